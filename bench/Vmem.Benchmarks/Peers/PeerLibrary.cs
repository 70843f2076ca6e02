using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Peers;

/// <summary>
/// A native library that may or may not be on the machine. It is loaded when first asked for, by the first of its names that the system
/// knows (the runtime adds the prefixes and endings of Linux, macOS and Windows), and stays loaded: an allocator cannot be unloaded while
/// anything it handed out might be in use.
/// </summary>
/// <remarks>The system's loader keeps the symbols of such a library to itself: a malloc it exports does not take the place of the C
/// library's, which everything else in the process goes on using.</remarks>
internal sealed class PeerLibrary(string name, string[] files, string hint = "")
{
    private readonly Lazy<nint> _handle = new(() => Load(files));

    /// <summary>The library's name in tables.</summary>
    public string Name { get; } = name;

    /// <summary>What to say of a library that is absent.</summary>
    public string AbsenceNote => $"{Name} is not on this machine, or its loader refused it ({string.Join(", ", files)} were tried): its rows are left out. {hint}".TrimEnd();

    public bool IsPresent => _handle.Value != 0;

    /// <summary>The address of a function, if the library is there and has it.</summary>
    public bool TryGetExport(string function, [NotNullWhen(true)] out nint address)
    {
        address = 0;
        return IsPresent && NativeLibrary.TryGetExport(_handle.Value, function, out address);
    }

    private static nint Load(string[] files)
    {
        foreach (string file in files)
        {
            if (NativeLibrary.TryLoad(file, typeof(PeerLibrary).Assembly, searchPath: null, out nint handle))
            {
                return handle;
            }
        }

        return 0;
    }
}
