using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>
/// What clients write. Each byte's upper half names its client, so that a byte that turns up elsewhere says whose it was; the lower half
/// is noise, so that a block's contents moved by some bytes are not its contents.
/// </summary>
internal static class ClientPattern
{
    /// <summary>By what clients can be told apart. 0 is the byte 0, 0xA is in the secret of blocks, 0xD in the poison.</summary>
    public static readonly byte[] Tags = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0xB, 0xC, 0xE, 0xF];

    private const int Phases = 256;
    private const int Length = (1 << 18) + Phases;

    private static readonly byte[] s_noise = DrawNoise();
    private static readonly Lazy<byte[]>[] s_patterns =
        [.. Enumerable.Range(0, 16).Select(tag => new Lazy<byte[]>(() => Array.ConvertAll(s_noise, noise => (byte)((tag << 4) | noise))))];

    /// <summary>The first <paramref name="length"/> bytes of a client's pattern from a phase on.</summary>
    public static ReadOnlySpan<byte> Of(byte tag, int phase, nuint length) => s_patterns[tag].Value.AsSpan(phase % Phases, (int)length);

    private static byte[] DrawNoise()
    {
        SeededRandom random = new(1);
        byte[] noise = new byte[Length];
        for (int i = 0; i < Length; i++)
        {
            noise[i] = (byte)random.Below(16);
        }

        return noise;
    }
}
