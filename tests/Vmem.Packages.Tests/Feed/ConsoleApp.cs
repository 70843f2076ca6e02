namespace Vmem.Packages.Tests.Feed;

/// <summary>A fresh console app, as <c>dotnet new console</c> makes it, that takes packages from the feed.</summary>
internal sealed class ConsoleApp
{
    private readonly List<string> _references = [];
    private readonly List<string> _properties = [];

    public ConsoleApp(PackageFeed feed, string name)
    {
        Folder = feed.NewFolder(name);
    }

    public string Folder { get; }

    public string Framework { get; init; } = "net10.0";

    public ConsoleApp With(string package, string version = PackageFeed.Version)
    {
        _references.Add($"""<PackageReference Include="{package}" Version="{version}" />""");
        return this;
    }

    public ConsoleApp WithProperty(string name, string value)
    {
        _properties.Add($"<{name}>{value}</{name}>");
        return this;
    }

    /// <summary>Writes the project; <paramref name="program"/> is all of its code.</summary>
    public ConsoleApp WithProgram(string program)
    {
        File.WriteAllText(Path.Combine(Folder, "Program.cs"), program);
        File.WriteAllText(Path.Combine(Folder, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>{Framework}</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                {string.Join("\n    ", _properties)}
              </PropertyGroup>
              <ItemGroup>
                {string.Join("\n    ", _references)}
              </ItemGroup>
            </Project>
            """);
        return this;
    }

    public CommandResult Run(params string[] arguments) => DotNet.Run(Folder, ["run", "--verbosity", "quiet", .. arguments]);

    public CommandResult Publish(params string[] arguments) => DotNet.Run(Folder, ["publish", "-c", "Release", "-o", "out", "--nologo", .. arguments]);

    /// <summary>Runs what <see cref="Publish"/> made.</summary>
    public CommandResult RunPublished() =>
        DotNet.RunProgram(Path.Combine(Folder, "out", OperatingSystem.IsWindows() ? "App.exe" : "App"), Folder);
}
