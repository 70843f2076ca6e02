namespace Vmem.Memory.Tests.Blocks;

/// <summary>A context over a block of any origin, with what must be disposed of after it.</summary>
internal sealed unsafe class ContextOnBlock : IDisposable
{
    private readonly CallersBlock? _callers;
    private readonly MappedFile? _mapped;

    public ContextOnBlock(BlockOrigin origin, int size, MemoryContextOptions? options = null, int offset = 0)
    {
        try
        {
            switch (origin)
            {
                case BlockOrigin.Callers:
                    _callers = new CallersBlock(size, offset);
                    Context = new MemoryContext(_callers.Start, _callers.Size, options);
                    GivenStart = (nint)_callers.Start;
                    break;
                case BlockOrigin.Mapped:
                    _mapped = new MappedFile(size, offset);
                    Context = new MemoryContext(_mapped.View, options);
                    GivenStart = _mapped.Start;
                    break;
                default:
                    Context = new MemoryContext((nuint)size, options);
                    break;
            }
        }
        catch
        {
            _callers?.Dispose();
            _mapped?.Dispose();
            throw;
        }
    }

    public MemoryContext Context { get; }

    /// <summary>Where the block starts; 0 if it is the context's own, which nobody told.</summary>
    public nint GivenStart { get; }

    /// <summary>Disposes of the context, and checks that it wrote to nothing but its block.</summary>
    public void Dispose()
    {
        Context.Dispose();
        _callers?.CheckMargins();
        _callers?.Dispose();
        _mapped?.Dispose();
    }
}
