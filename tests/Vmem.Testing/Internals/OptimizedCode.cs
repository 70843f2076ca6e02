using System.Diagnostics;
using System.Reflection;
using Xunit;

namespace Vmem.Testing.Internals;

/// <summary>For tests that count allocated bytes where a table of constants is looked into: unoptimised code makes an object for each
/// look.</summary>
public static class OptimizedCode
{
    /// <summary>Skips the test unless the assembly under test is compiled for speed: in Release, or in Debug with <c>-p:Optimize=true</c>,
    /// as CI does it.</summary>
    public static void Require(Assembly tested)
    {
        if (tested.GetCustomAttribute<DebuggableAttribute>()?.IsJITOptimizerDisabled == true)
        {
            Assert.Skip("needs optimised code (-c Release, or -c Debug -p:Optimize=true): unoptimised code makes an object for every look into a table of constants");
        }
    }
}
