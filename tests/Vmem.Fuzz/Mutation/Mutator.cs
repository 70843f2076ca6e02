using System.Text;

namespace Vmem.Fuzz.Mutation;

/// <summary>
/// Makes wrong inputs out of right ones: afl-fuzz's usual mutations (bits, bytes, blocks, words, splices), and numbers in text, which are
/// what lengths are in most of our formats. Mutant N of a target is the same on every machine, so that a number is enough to repeat it.
/// <para>There is no feedback from the code's paths here. That is afl-fuzz's part; this pass needs nothing but .NET, and runs in CI.</para>
/// </summary>
internal sealed class Mutator
{
    // Longer inputs find nothing that shorter ones do not, but take longer. Arbitrary.
    private const int LongestMutant = 64 * 1024;

    // A few changes at once, mostly one or two: more, and every mutant is refused at its first line.
    private const int MostChanges = 6;

    // Ends of ranges, line ends, blanks, quotes, digits, brackets.
    private static readonly byte[] s_interesting =
        [0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x2d, 0x30, 0x39, 0x5b, 0x5d, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xff];

    private readonly IReadOnlyList<byte[]> _seeds;
    private readonly IReadOnlyList<byte[]> _words;
    private readonly Random _random;

    /// <param name="seeds">At least one.</param>
    /// <param name="words">At least one.</param>
    /// <param name="number">Which mutant.</param>
    private Mutator(IReadOnlyList<byte[]> seeds, IReadOnlyList<byte[]> words, int number)
    {
        _seeds = seeds;
        _words = words;
        _random = new Random(number);
    }

    public static byte[] Make(IReadOnlyList<byte[]> seeds, IReadOnlyList<string> words, int number)
    {
        var mutator = new Mutator(seeds, [.. words.Select(Bytes)], number);
        return mutator.Make();
    }

    // A word's characters up to U+00FF are bytes; the few above are UTF-8.
    public static byte[] Bytes(string word) =>
        (word.Any(character => character > 0xff) ? Encoding.UTF8 : Encoding.Latin1).GetBytes(word);

    private byte[] Make()
    {
        List<byte> input = [.. Choose(_seeds)];
        int changes = 1 + (_random.Next(MostChanges) * _random.Next(MostChanges) / MostChanges);
        for (int change = 0; change < changes; change++)
        {
            Change(input);
        }

        return [.. input.Take(LongestMutant)];
    }

    private void Change(List<byte> input)
    {
        int at = _random.Next(input.Count + 1);
        int length = Math.Min(1 + _random.Next(1 << _random.Next(8)), input.Count - at);
        switch (_random.Next(9))
        {
            case 0 when at < input.Count:
                input[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < input.Count:
                input[at] = s_interesting[_random.Next(s_interesting.Length)];
                break;
            case 2:
                input.RemoveRange(at, length);
                break;
            case 3:
                input.InsertRange(_random.Next(input.Count + 1), input.GetRange(at, length));
                break;
            case 4:
                input.RemoveRange(at, input.Count - at);
                break;
            case 5:
                input.InsertRange(at, Choose(_words));
                break;
            case 6:
                byte[] other = Choose(_seeds);
                int from = _random.Next(other.Length + 1);
                input.InsertRange(at, other.AsSpan(from, _random.Next(other.Length - from + 1)));
                break;
            default:
                ReplaceNumber(input, at);
                break;
        }
    }

    // The next digits at or after a place become a word, or one more, or one less, or longer by a digit.
    private void ReplaceNumber(List<byte> input, int at)
    {
        int first = input.FindIndex(at, value => char.IsAsciiHexDigit((char)value));
        if (first < 0)
        {
            return;
        }

        int end = input.FindIndex(first, value => !char.IsAsciiHexDigit((char)value));
        end = end < 0 ? input.Count : end;
        switch (_random.Next(4))
        {
            case 0:
                input[end - 1]++;
                break;
            case 1:
                input[end - 1]--;
                break;
            case 2:
                input.Insert(end, input[first]);
                break;
            default:
                input.RemoveRange(first, end - first);
                input.InsertRange(first, Choose(_words));
                break;
        }
    }

    private byte[] Choose(IReadOnlyList<byte[]> from) => from[_random.Next(from.Count)];
}
