using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Microsoft.CodeAnalysis;

namespace Vmem.Architecture.Tests;

/// <summary>A type that depends on a type in another folder.</summary>
/// <remarks>
/// By the compiled code: its bases, its members' signatures, and what their bodies use. And by the source, since compiled code holds no
/// constants and, in Release, no assertions.
/// </remarks>
internal sealed record FolderArrow(string From, string To, string User, string Used)
{
    /// <summary>All of a project, with the folders' names as the plan has them.</summary>
    public static IReadOnlyList<FolderArrow> Of(SourceProject project, Plan plan)
    {
        IReadOnlyDictionary<string, string> folders = project.FolderOfTypes();
        return
        [
            .. Compiled(project).Concat(Written(project)).Where(use => folders.ContainsKey(use.User) && folders.ContainsKey(use.Used))
                .Select(use => new FolderArrow(plan.NameOf(folders[use.User]), plan.NameOf(folders[use.Used]), use.User, use.Used))
                .Where(arrow => arrow.From != arrow.To).Distinct().OrderBy(arrow => arrow.ToString(), StringComparer.Ordinal),
        ];
    }

    public override string ToString() => $"{From} -> {To}: {User} uses {Used}";

    private static IEnumerable<(string User, string Used)> Compiled(SourceProject project)
    {
        ArchUnitNET.Domain.Architecture compiled = new ArchLoader().LoadAssemblies(System.Reflection.Assembly.Load(project.Name)).Build();
        Assert.Empty(project.FolderOfTypes().Keys.Except(compiled.Types.Select(type => type.FullName)));
        return compiled.Types.SelectMany(type => type.Dependencies).Select(use => (use.Origin.FullName, use.Target.FullName));
    }

    private static IEnumerable<(string User, string Used)> Written(SourceProject project) =>
        from type in project.Types
        from part in type.DeclaringSyntaxReferences
        from used in Uses.Of(part.GetSyntax(), project.Compilation.GetSemanticModel(part.SyntaxTree))
        let usedType = used as INamedTypeSymbol ?? used.ContainingType
        where usedType is not null
        select (SourceProject.NameOf(type), SourceProject.NameOf(usedType.OriginalDefinition));
}
