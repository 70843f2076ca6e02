using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>Tests that no others may run beside: the numbers of threads are the process's.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public class Alone;
