using System.Reflection;

namespace Vmem.Tool.Reports;

/// <summary>The files of Reports/Page, which are compiled into the tool.</summary>
internal static class PageResources
{
    public static string Read(string name)
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name)
            ?? throw new InvalidOperationException($"The resource {name} is missing from the tool.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
