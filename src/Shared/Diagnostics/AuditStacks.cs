using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Diagnostics;

/// <summary>The stacks of an audit, each kept once: a million ranges from ten places cost ten stacks.</summary>
/// <remarks>
/// <para>
/// A stack is recognised by its frames (method and offsets), which costs no text. Only one that was not seen before is captured a second
/// time, with files and lines, and rendered. The same place may show under several offsets, as the JIT compiles it again; what reads the
/// same is made one by its text. (Optimised code may name a neighbouring line, or lack a caller that was inlined: then one place is two.)
/// </para>
/// <para>
/// Methods are named by <see cref="DiagnosticMethodInfo"/>, which trimming and AOT leave intact, unlike <see cref="StackFrame.GetMethod"/>.
/// It tells overloads apart only by the offsets within them.
/// </para>
/// <para>
/// A frame of the library is one of an assembly that has the simple name of one of its packages. Rejected: to compare full names. The
/// runtime gives "Vmem, Version=1.0.0.0, Culture=neutral, PublicKeyToken=null" where code is compiled just in time, and
/// "Vmem, Version=1.0.0.0" under Native AOT: there no frame was the library's. Rejected too: every name that begins with "Vmem.", which
/// others may give to theirs.
/// </para>
/// <para>The table belongs to one arena's audit and dies with it. It is shared by threads and never used under the arena's lock.</para>
/// </remarks>
internal sealed class AuditStacks
{
    /// <summary>Frames that tell stacks apart, and lines that are kept. Arbitrary.</summary>
    public const int MaxFrames = 32;

    /// <summary>Stacks that are kept; whoever comes after shares one that says so. Arbitrary: a program has fewer places.</summary>
    public const int MaxStacks = 65_536;

    private const string TooMany = "   (one of the stacks after the first 65536, which are not kept)";
    private static readonly string[] s_packages = ["Vmem", "Vmem.Memory", "Vmem.Extensions.ObjectPool"];

    private readonly ConcurrentDictionary<Frames, string> _byFrames = new();
    private readonly ConcurrentDictionary<string, string> _byText = new();
    private int _known;

    /// <summary>The stack of the calling thread, from the first frame outside this library; the same string for the same stack.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public string Capture()
    {
        var trace = new StackTrace(1, fNeedFileInfo: false);
        var frames = new Frames(trace, out int own);
        if (_byFrames.TryGetValue(frames, out string? known))
        {
            return known;
        }

        if (Interlocked.Increment(ref _known) > MaxStacks)
        {
            return TooMany;
        }

        string text = FirstLines(new StackTrace(1 + own, fNeedFileInfo: true).ToString().ReplaceLineEndings("\n").TrimEnd('\n'));
        return Keep(frames, text);
    }

    /// <summary>An interrupt is left for the thread's next wait: what is signed may be on its way back from a call that has
    /// failed.</summary>
    private string Keep(Frames frames, string text)
    {
        using var interrupts = new DeferredInterrupt();
        string? kept;
        while (!_byFrames.TryGetValue(frames, out kept))
        {
            _ = interrupts.Try((this, frames, text), static it =>
                it.Item1._byFrames.TryAdd(it.frames, it.Item1._byText.GetOrAdd(it.text, it.text)));
        }

        return kept;
    }

    /// <summary>Whether an assembly is the library's, by its display name, or as much of that as the runtime gives.</summary>
    public static bool IsLibrary(string displayName)
    {
        int comma = displayName.IndexOf(',', StringComparison.Ordinal);
        ReadOnlySpan<char> name = comma < 0 ? displayName : displayName.AsSpan(0, comma);
        foreach (string package in s_packages)
        {
            if (name.SequenceEqual(package))
            {
                return true;
            }
        }

        return false;
    }

    private static string FirstLines(string text)
    {
        int end = -1;
        for (int line = 0; line < MaxFrames; line++)
        {
            int next = text.IndexOf('\n', end + 1);
            if (next < 0)
            {
                return text;
            }

            end = next;
        }

        return text[..end];
    }

    private readonly record struct Frame(string? Type, string? Method, int ILOffset, int NativeOffset, nint Address);

    /// <summary>What a stack is recognised by.</summary>
    private sealed class Frames : IEquatable<Frames>
    {
        private readonly Frame[] _frames;
        private readonly int _hash;

        public Frames(StackTrace trace, out int own)
        {
            own = 0;
            while (own < trace.FrameCount && IsOwn(trace.GetFrame(own)!))
            {
                own++;
            }

            own = own == trace.FrameCount ? 0 : own;
            _frames = new Frame[Math.Min(trace.FrameCount - own, MaxFrames)];
            var hash = default(HashCode);
            for (int i = 0; i < _frames.Length; i++)
            {
                StackFrame frame = trace.GetFrame(own + i)!;
                var method = DiagnosticMethodInfo.Create(frame);
                _frames[i] = new Frame(method?.DeclaringTypeName, method?.Name, frame.GetILOffset(), frame.GetNativeOffset(),
                    frame.GetNativeIP());
                hash.Add(HashCode.Combine(_frames[i].ILOffset, _frames[i].NativeOffset, _frames[i].Address, method?.Name.Length));
            }

            _hash = hash.ToHashCode();
        }

        public bool Equals(Frames? other) => other is not null && _hash == other._hash && _frames.AsSpan().SequenceEqual(other._frames);

        public override bool Equals(object? obj) => Equals(obj as Frames);

        public override int GetHashCode() => _hash;

        private static bool IsOwn(StackFrame frame) =>
            DiagnosticMethodInfo.Create(frame) is { } method && IsLibrary(method.DeclaringAssemblyName);
    }
}
