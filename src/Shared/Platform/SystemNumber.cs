namespace Vmem.Platform;

/// <summary>A number that the system tells in a file: asked for when it is needed, and remembered once it is known.</summary>
/// <remarks>A file may fail to be read once, because the process has as many open as it may, or no memory. Then the next to ask may be
/// luckier. A file that is not there, is not for this process or holds no number stays so. Rejected: <see cref="Lazy{T}"/>, which keeps
/// what the first look gave for ever, an exception also.</remarks>
/// <param name="read">Reads it. The number is not negative.</param>
/// <param name="otherwise">What stands for it while it is not known.</param>
internal sealed class SystemNumber(Func<long> read, long otherwise)
{
    private const long Unknown = -1;

    private long _known = Unknown;

    public long Value
    {
        get
        {
            long known = Interlocked.Read(ref _known);
            if (known != Unknown)
            {
                return known;
            }

            try
            {
                known = read();
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException
                or FormatException or OverflowException)
            {
                known = otherwise;
            }
            catch (Exception e) when (e is IOException or OutOfMemoryException)
            {
                return otherwise;
            }

            Interlocked.Exchange(ref _known, known);
            return known;
        }
    }
}
