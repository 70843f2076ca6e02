using System.Text;
using Xunit;

namespace Vmem.Tests.Readme;

/// <summary>The README's examples of object caches.</summary>
public class ObjectCacheExamples
{
    [Fact]
    public void Renting()
    {
        #region renting
        using var texts = new ObjectCache<StringBuilder>("text", construct: () => new StringBuilder(4_096));
        StringBuilder text = texts.Rent();           // no lock: from this thread's magazine, or constructed
        text.Append("one of many");
        texts.Return(text.Clear());                  // in its constructed state, ready for the next
        #endregion

        Assert.Same(text, texts.Rent());
        Assert.Equal(1, texts.GetStatistics().Constructed);
    }
}
