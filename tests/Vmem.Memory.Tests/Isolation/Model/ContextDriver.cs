// Theory. The driver walks a context and the naive model side by side. A client is free to choose where a block lies, and the model judges
// the choice: inside the context, aligned, over no live block, in no region of another client. A refusal is judged, too: it is right only
// if no place is left once all that is cached or empty anywhere is taken back. Amounts are laid down exactly.
//
// Every block is filled with its client's pattern from end to end. After every step, wrong calls included, all contents of all blocks,
// all figures of all clients and of the context are compared, and the context's own Validate() is run.
using Vmem.Memory.Tests.Blocks;
using Vmem.Testing.Driving;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Runs steps against a context and the model, and throws <see cref="DivergenceException"/> at the first difference.</summary>
internal sealed unsafe partial class ContextDriver : IDisposable
{
    private const int MaxClients = 5;             // fewer than tags
    private const int StaleKept = 32;

    private readonly ContextLayout _layout;
    private readonly Func<MemoryClient, ClientUnderTest> _wrap;
    private readonly ContextOnBlock _block;
    private readonly MemoryContext _context;
    private readonly ContextModel _model;
    private readonly ContextTally _tally;
    private readonly List<ClientUnderTest> _clients = [];
    private int _phases;
    private int _steps;

    public ContextDriver(ContextLayout layout, Func<MemoryClient, ClientUnderTest> wrap, ContextTally tally)
    {
        _layout = layout;
        _tally = tally;
        _wrap = wrap;
        _block = new ContextOnBlock(
            layout.Origin,
            layout.Size,
            new MemoryContextOptions
            {
                Alignment = (nuint)layout.Alignment,
                BlockSize = (nuint)layout.BlockSize,
                Features = layout.Features
            },
            layout.Offset);
        _context = _block.Context;
        _model = new ContextModel(layout, (nint)_context.Start, _context.Size);
        CheckExtent();
        CheckAll();
    }

    /// <summary>Does one step and checks everything.</summary>
    public void Execute(in ContextStep step)
    {
        _steps++;
        if (step.Kind == ContextStepKind.CreateClient || _clients.Count == 0)
        {
            CreateClient(step);
        }
        else
        {
            Execute(step, step.Client % _clients.Count);
        }

        CheckAll();
    }

    /// <summary>Disposes of every client, and checks that the context has everything back.</summary>
    public void Finish()
    {
        while (_clients.Count > 0)
        {
            DisposeClient(_clients.Count / 2);
            CheckAll();
        }

        MemoryContextStatistics statistics = _context.GetStatistics();
        Agree("the context's Free after all clients are gone", _context.Size, statistics.Free);
        Agree("the context's LargestFree after all clients are gone", _context.Size, statistics.LargestFree);
    }

    public void Dispose() => _block.Dispose();

    private void Execute(in ContextStep step, int index)
    {
        switch (step.Kind)
        {
            case ContextStepKind.DisposeClient:
                DisposeClient(index);
                break;
            case ContextStepKind.Allocate:
                Allocate(step, index);
                break;
            case ContextStepKind.WrongFree:
                CallWrongly(step, index);
                break;
            case ContextStepKind.Scribble:
                Scribble(index);
                break;
            case ContextStepKind.Trim:
                Trim(index);
                break;
            case ContextStepKind.TrimContext:
                TrimContext();
                break;
            default:
                List<ModelBlock> blocks = _model.Clients[index].Blocks;
                if (blocks.Count > 0)
                {
                    ExecuteOnBlock(step, index, blocks[step.Target % blocks.Count]);
                }

                break;
        }
    }

    private void ExecuteOnBlock(in ContextStep step, int index, ModelBlock block)
    {
        switch (step.Kind)
        {
            case ContextStepKind.Free:
                Free(index, block);
                break;
            case ContextStepKind.Reallocate when block.Owner is null:
                Reallocate(step, index, block);
                break;
            case ContextStepKind.Resize when block.Owner is null:
                Resize(step, index, block);
                break;
            case ContextStepKind.Overrun when _layout.Has(MemoryContextFeatures.GuardBytes):
                Overrun(step, index, block);
                break;
        }
    }

    /// <summary>Every fourth client has a quota. Tags come round again when the clients that had them are long gone.</summary>
    private void CreateClient(in ContextStep step)
    {
        if (_clients.Count < MaxClients)
        {
            nuint quota = step.Flavor % 4 == 0 ? (nuint)step.Size * 4 : 0;
            ModelClient client = new($"client-{_model.Created}", ClientPattern.Tags[_model.Created % ClientPattern.Tags.Length], quota);
            _clients.Add(_wrap(_context.CreateClient(client.Name, quota)));
            _model.Clients.Add(client);
            _model.Created++;
        }
    }

    private void DisposeClient(int index)
    {
        ModelClient client = _model.Clients[index];
        Count("disposed with blocks", client.Blocks.Count > 0);
        _clients[index].Dispose();
        _clients.RemoveAt(index);
        _model.Clients.RemoveAt(index);
        foreach (ModelBlock block in client.Blocks)
        {
            CheckErased(block.Address, block.Usable);
            if (block.Owner is { } owner)
            {
                AgreeThrows<ObjectDisposedException>("an owner's memory after its client is gone", () => _ = owner.Memory.Span[0]);
                owner.Dispose();
            }
        }
    }

    private void Trim(int index)
    {
        nuint before = _clients[index].Client.TotalSize;
        nuint trimmed = _clients[index].Trim();
        Agree("what Trim returned", before - _clients[index].Client.TotalSize, trimmed);
        Count("trimmed", trimmed > 0);
        CheckTrimmed(index);
    }

    private void TrimContext()
    {
        nuint before = _context.GetStatistics().InUse;
        nuint trimmed = _context.Trim();
        Agree("what the context's Trim returned", before - _context.GetStatistics().InUse, trimmed);
        for (int i = 0; i < _clients.Count; i++)
        {
            CheckTrimmed(i);
        }

        if (!_model.HasLongRegions)
        {
            Agree("the context's LargestFree after Trim", _model.LongestFree(), _context.GetStatistics().LargestFree);
        }
    }

    private void Count(string name, bool happened = true)
    {
        if (happened)
        {
            _tally.Count(name);
        }
    }

    private static void Agree<TValue>(string what, TValue expected, TValue actual)
    {
        if (!EqualityComparer<TValue>.Default.Equals(expected, actual))
        {
            throw new DivergenceException($"{what}: the model says {expected}, the context says {actual}.");
        }
    }

    private static void Require(bool condition, string complaint)
    {
        if (!condition)
        {
            throw new DivergenceException(complaint);
        }
    }

    private static TException AgreeThrows<TException>(string what, Action call)
        where TException : Exception
    {
        try
        {
            call();
        }
        catch (TException expected)
        {
            return expected;
        }

        throw new DivergenceException($"{what}: a {typeof(TException).Name} was due.");
    }
}
