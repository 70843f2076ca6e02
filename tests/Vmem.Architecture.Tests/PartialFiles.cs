using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests;

/// <summary>The files of a partial type and the arrows between them.</summary>
/// <remarks>
/// An arrow leads from file A to file B if code in A's part of the type uses a member that B's part declares: a method, a constructor, a
/// property, a nested type or a member of one, a field. One exception: state that the main file declares. The main file is the one that is
/// called as the type is (Arena.cs for <c>Arena&lt;T&gt;</c>), and state is a field, a constant or a property without code of its own. All
/// parts of a type work on its state, so it says nothing about the order in which one reads them.
/// </remarks>
internal sealed class PartialFiles
{
    private readonly SourceProject _project;

    private PartialFiles(SourceProject project, INamedTypeSymbol type, IReadOnlyList<SyntaxTree> files)
    {
        _project = project;
        Type = type;
        Files = files;
        Arrows = [.. Files.SelectMany(ArrowsOf).Distinct()];
        LargestCircle = Circles.Of(Arrows) is [var largest, ..] ? largest : [];
    }

    public INamedTypeSymbol Type { get; }

    public IReadOnlyList<SyntaxTree> Files { get; }

    public IReadOnlyList<(string From, string To)> Arrows { get; }

    /// <summary>The names of the files in the largest circle; empty if there is none.</summary>
    public IReadOnlyList<string> LargestCircle { get; }

    /// <summary>The types of a project that lie in more than one file.</summary>
    public static IReadOnlyList<PartialFiles> Of(SourceProject project) =>
    [
        .. project.Types.Where(type => type.ContainingType is null)
            .Select(type => (Type: type, Files: Uses.FilesOf(type).Distinct().ToArray()))
            .Where(type => type.Files.Length > 1)
            .Select(type => new PartialFiles(project, type.Type, type.Files)),
    ];

    private IEnumerable<(string From, string To)> ArrowsOf(SyntaxTree file)
    {
        SemanticModel model = _project.Compilation.GetSemanticModel(file);
        return Type.DeclaringSyntaxReferences.Where(part => part.SyntaxTree == file)
            .SelectMany(part => Uses.Of(part.GetSyntax(), model))
            .Where(symbol => IsMember(symbol) && !IsStateOfMainFile(symbol))
            .SelectMany(Uses.FilesOf)
            .Where(target => target != file)
            .Select(target => (NameOf(file), NameOf(target)));
    }

    private bool IsMember(ISymbol symbol) =>
        symbol is IMethodSymbol or IPropertySymbol or IFieldSymbol or IEventSymbol or INamedTypeSymbol
            && !SymbolEqualityComparer.Default.Equals(symbol, Type)
            && SymbolEqualityComparer.Default.Equals(Uses.OutermostType(symbol), Type);

    private bool IsStateOfMainFile(ISymbol symbol) =>
        SymbolEqualityComparer.Default.Equals(symbol.ContainingType, Type) && symbol is IFieldSymbol
            or IPropertySymbol && Uses.FilesOf(symbol).All(file => NameOf(file) == $"{Type.Name}.cs")
            && symbol.DeclaringSyntaxReferences
                .All(part => part.GetSyntax() is not BasePropertyDeclarationSyntax property || IsAutomatic(property));

    private static bool IsAutomatic(BasePropertyDeclarationSyntax property) =>
        property is not (PropertyDeclarationSyntax { ExpressionBody: not null } or IndexerDeclarationSyntax)
            && property.AccessorList?.Accessors.All(accessor => accessor.Body is null && accessor.ExpressionBody is null) == true;

    private string NameOf(SyntaxTree file) => Path.GetFileName(_project.PathOf(file));
}
