using System.Buffers;
using Xunit;

namespace Vmem.Memory.Tests.Documents;

/// <summary>The README's examples of isolated clients: see DocumentedExamples.</summary>
public class ClientExamples
{
    [Fact]
    public void A_client_takes_what_it_leaked_with_it()
    {
        #region clients
        using var memory = new MemoryContext(64 << 20);
        using (MemoryClient script = memory.CreateClient("script", quota: 1 << 20))
        {
            Span<int> numbers = script.AllocateSpan<int>(1_000);
            using IMemoryOwner<byte> text = script.Rent<byte>(80);
        }                                            // numbers were never freed: they went with the client

        nuint inUse = memory.GetStatistics().InUse;  // 0
        #endregion

        Assert.Equal((nuint)0, inUse);
    }
}
