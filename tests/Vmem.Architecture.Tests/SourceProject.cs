using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests;

/// <summary>A project of src/ as the compiler sees it, without its source generators.</summary>
/// <remarks>
/// What a generator would add is missing, so the parts that it implements have no body here. No rule asks for that. An error of any other
/// kind would mean that names were not understood, and so arrows overlooked: it is thrown.
/// </remarks>
internal sealed partial class SourceProject
{
    private const string Shared = "Shared";

    /// <summary>What <c>ImplicitUsings</c> adds.</summary>
    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;
        global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;
        """;

    /// <summary>The compiler says this of a partial method that a generator implements.</summary>
    private const string NoBody = "CS8795";

    /// <summary>A file with such an attribute is about a type that is mostly generated, and is not expected to compile.</summary>
    private const string MostlyGenerated = "[JsonSerializable(";

    private static readonly CSharpParseOptions s_options = new(LanguageVersion.CSharp14, preprocessorSymbols: ["NET", "NET9_0_OR_GREATER", "NET10_0_OR_GREATER", "DEBUG"]);

    private static readonly MetadataReference[] s_references =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("Vmem.Architecture", StringComparison.Ordinal))
            .Select(path => MetadataReference.CreateFromFile(path)),
    ];

    private readonly Dictionary<SyntaxTree, string> _paths = [];

    public SourceProject(string name, IEnumerable<(string Path, string Text)> files)
    {
        Name = name;
        foreach ((string path, string text) in files)
        {
            _paths.Add(CSharpSyntaxTree.ParseText(text, s_options, path), path);
        }

        Compilation = CSharpCompilation.Create(
            name,
            [.. _paths.Keys, CSharpSyntaxTree.ParseText(ImplicitUsings, s_options)],
            s_references.Where(reference => Path.GetFileNameWithoutExtension(reference.Display) != name),
            new CSharpCompilationOptions(
                _paths.Keys.Any(HasStatements) ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
                allowUnsafe: true,
                nullableContextOptions: NullableContextOptions.Enable));
        Diagnostic[] errors = [.. Compilation.GetDiagnostics().Where(IsOurs)];
        Assert.True(errors.Length == 0, $"{name} was not understood:\n{string.Join('\n', errors.AsEnumerable())}");
        Types = Files.SelectMany(DeclaredIn).ToHashSet<INamedTypeSymbol>(SymbolEqualityComparer.Default);
    }

    public string Name { get; }

    public CSharpCompilation Compilation { get; }

    public IEnumerable<SyntaxTree> Files => _paths.Keys;

    /// <summary>The types that the sources declare, nested ones too, each once.</summary>
    public IReadOnlyCollection<INamedTypeSymbol> Types { get; }

    /// <summary>The root of the repository.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(ThisFolder(), "../.."));

    /// <summary>Reads a project below src/, with what it shares with others: all of it, or single files that it names.</summary>
    public static SourceProject Read(string name)
    {
        string sources = Path.Combine(Root, "src");
        string project = File.ReadAllText(Path.Combine(sources, name, $"{name}.csproj"));
        IEnumerable<string> shared = project.Contains("Shared.props", StringComparison.Ordinal)
            ? Sources(Path.Combine(sources, Shared))
            : SharedFile().Matches(project).Select(match => Path.Combine(sources, Shared, match.Groups[1].Value));
        IEnumerable<string> files = Sources(Path.Combine(sources, name)).Concat(shared);
        return new(name, files.Select(file => (Path.GetRelativePath(sources, file).Replace('\\', '/'), File.ReadAllText(file))));
    }

    /// <summary>The file's path below src/, such as <c>Vmem/Segments/Tag.cs</c>.</summary>
    public string PathOf(SyntaxTree file) => _paths[file];

    /// <summary>The folder in the project: <c>Segments</c> for Vmem/Segments/Tag.cs, <c>Shared/Checks</c> for Shared/Checks/Invariant.cs;
    /// empty for a file beside the project file.</summary>
    public string FolderOf(SyntaxTree file)
    {
        string[] parts = PathOf(file).Split('/');
        return parts.Length < 3 ? "" : parts[0] == Shared ? $"{Shared}/{parts[1]}" : parts[1];
    }

    /// <summary>The folder of each type, by its name in metadata (<c>Vmem.Arena`1</c>).</summary>
    public IReadOnlyDictionary<string, string> FolderOfTypes() => Types.ToDictionary(NameOf, FolderOf);

    /// <summary>The folder that all files of a type lie in.</summary>
    public string FolderOf(INamedTypeSymbol type) => Assert.Single(Uses.FilesOf(type).Select(FolderOf).Distinct());

    /// <summary>A type's name in metadata: <c>Vmem.Arena`1</c>, <c>Vmem.Diagnostics.Audit`1+Record</c>.</summary>
    public static string NameOf(INamedTypeSymbol type) =>
        type.ContainingType is { } outer ? $"{NameOf(outer)}+{type.MetadataName}" : $"{type.ContainingNamespace.ToDisplayString()}.{type.MetadataName}";

    private IEnumerable<INamedTypeSymbol> DeclaredIn(SyntaxTree file)
    {
        SemanticModel model = Compilation.GetSemanticModel(file);
        return file.GetRoot().DescendantNodes()
            .Where(node => node is (BaseTypeDeclarationSyntax and not ExtensionBlockDeclarationSyntax) or DelegateDeclarationSyntax)
            .Select(node => (INamedTypeSymbol)model.GetDeclaredSymbol(node)!);
    }

    private static bool IsOurs(Diagnostic found) =>
        found.Severity == DiagnosticSeverity.Error
            && found.Id != NoBody
            && found.Location.SourceTree?.ToString().Contains(MostlyGenerated, StringComparison.Ordinal) != true;

    private static bool HasStatements(SyntaxTree file) =>
        ((CompilationUnitSyntax)file.GetRoot()).Members.OfType<GlobalStatementSyntax>().Any();

    private static IEnumerable<string> Sources(string folder) =>
        Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories).Where(file => !Path.GetRelativePath(folder, file).Split('/', '\\')
            .Any(part => part is "obj" or "bin")).Order(StringComparer.Ordinal);

    [GeneratedRegex("<Compile Include=\"\\.\\./Shared/([^\"]+\\.cs)\"")]
    private static partial Regex SharedFile();

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
