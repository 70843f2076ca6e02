using System.Runtime.Loader;

namespace Vmem.Lifetimes;

/// <summary>What has to end when this assembly is to be unloaded, as a plug-in's may be: whatever the runtime keeps a reference to. Each of
/// these would keep the assembly loaded for good.</summary>
internal static class Unloading
{
    /// <summary>Calls this when the unloading begins; never, if the assembly stays until the process ends.</summary>
    public static void Then(Action end)
    {
        if (AssemblyLoadContext.GetLoadContext(typeof(Unloading).Assembly) is { IsCollectible: true } context)
        {
            context.Unloading += _ => end();
        }
    }
}
