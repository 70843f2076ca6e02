using Vmem.Memory.Tests.Blocks;
using Vmem.Memory.Tests.Isolation.Model;
using Vmem.Testing.Contracts;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>A client does what every allocator of ranges does.</summary>
public sealed class ClientContractTests : RangeAllocatorContract, IDisposable
{
    private readonly List<MemoryContext> _contexts = [];

    public void Dispose() => _contexts.ForEach(context => context.Dispose());

    protected override IRangeAllocator Create()
    {
        ContextLayout layout = new(BlockOrigin.Own, 24 * 1_024, 0, 16, 1_024, MemoryContextFeatures.ZeroOnHandOver);
        MemoryContext context = new((nuint)layout.Size, new MemoryContextOptions { Alignment = 16, BlockSize = 1_024 });
        _contexts.Add(context);
        return new ClientAsRanges(layout, context);
    }

    /// <summary>A client alone in its context. What it could get is told by the naive model.</summary>
    private sealed unsafe class ClientAsRanges(ContextLayout layout, MemoryContext context) : IRangeAllocator
    {
        private readonly MemoryClient _client = context.CreateClient("contract");
        private readonly ContextModel _rounding = new(layout, (nint)context.Start, context.Size);

        public long First => (nint)context.Start;

        public long Last => First + (long)context.Size - 1;

        /// <summary>What is cached or empty can be had, too: it is put back first.</summary>
        public long LargestFree
        {
            get
            {
                _client.Trim();
                return (long)nuint.Max(_client.GetStatistics().LargestFree, context.GetStatistics().LargestFree);
            }
        }

        public bool TryAllocate(long size, out long start)
        {
            bool isMet = _client.TryAllocate((nuint)size, out void* block);
            start = (nint)block;
            return isMet;
        }

        public void Free(long start, long size) => _client.Free((void*)(nint)start);

        public long Rounded(long size) => (long)_rounding.FootprintOf((nuint)size);

        public bool CouldFit(long size, IReadOnlyList<(long Start, long Size)> live)
        {
            ContextModel model = new(layout, (nint)context.Start, context.Size);
            ModelClient client = new(_client.Name, 1, 0);
            model.Clients.Add(client);
            client.Blocks.AddRange(live.Select(range => new ModelBlock(client, (nint)range.Start, (nuint)range.Size, (nuint)range.Size)));
            return model.RoomFor(client, model.FootprintOf((nuint)size), _ => null) == Room.Surely;
        }

        public void Validate() => context.Validate();
    }
}
