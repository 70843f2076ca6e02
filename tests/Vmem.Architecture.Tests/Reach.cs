using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests;

/// <summary>The methods that a reader meets who begins at one and follows every call.</summary>
/// <remarks>
/// A method counts if it has a body and is used by name, called or not; a constructor is one. A property is followed but not counted. A
/// call through an interface or of an abstract method leads to everything in scope that implements it. Local functions and lambdas are
/// part of their method.
/// </remarks>
internal sealed class Reach
{
    private readonly SourceProject _project;
    private readonly Func<INamedTypeSymbol, bool> _isInScope;
    private readonly ILookup<ISymbol, ISymbol> _implementations;
    private readonly HashSet<ISymbol> _met = new(SymbolEqualityComparer.Default);

    private Reach(SourceProject project, Func<INamedTypeSymbol, bool> isInScope)
    {
        _project = project;
        _isInScope = isInScope;
        _implementations = MembersInScope().SelectMany(member => Implemented(member).Select(declared => (declared, member)))
            .ToLookup(pair => pair.declared, pair => pair.member, SymbolEqualityComparer.Default);
    }

    /// <summary>The methods that are met, the starting points among them.</summary>
    /// <param name="project">Where they are.</param>
    /// <param name="starts">Where the reader begins.</param>
    /// <param name="isInScope">The outermost types whose members are followed.</param>
    public static IReadOnlyCollection<IMethodSymbol> From(
        SourceProject project,
        IEnumerable<ISymbol> starts,
        Func<INamedTypeSymbol, bool> isInScope)
    {
        var reach = new Reach(project, isInScope);
        Queue<ISymbol> open = new(starts);
        while (open.TryDequeue(out ISymbol? member))
        {
            if (!reach._met.Add(member))
            {
                continue;
            }

            foreach (ISymbol used in reach.UsedBy(member))
            {
                open.Enqueue(used);
            }
        }

        return [.. reach._met.OfType<IMethodSymbol>().Where(HasBody)];
    }

    private IEnumerable<ISymbol> UsedBy(ISymbol member) =>
        member.DeclaringSyntaxReferences
            .SelectMany(part => Uses.Of(part.GetSyntax(), _project.Compilation.GetSemanticModel(part.SyntaxTree)))
            .Where(used => used is IMethodSymbol { MethodKind: not MethodKind.LocalFunction }
                or IPropertySymbol && Uses.OutermostType(used) is { } type && _isInScope(type))
            .SelectMany(used => _implementations[used].Append(used));

    private static bool HasBody(IMethodSymbol method) =>
        method.DeclaringSyntaxReferences.Any(part => part.GetSyntax() is BaseMethodDeclarationSyntax { Body: not null }
            or BaseMethodDeclarationSyntax { ExpressionBody: not null });

    private IEnumerable<ISymbol> MembersInScope() =>
        _project.Types.Where(type => _isInScope(Uses.OutermostType(type)!)).SelectMany(type => type.GetMembers())
            .Where(member => member is IMethodSymbol or IPropertySymbol && !member.IsStatic);

    /// <summary>What a member implements or overrides, as declared.</summary>
    private static IEnumerable<ISymbol> Implemented(ISymbol member)
    {
        if ((member as IMethodSymbol)?.OverriddenMethod is { } overridden)
        {
            yield return overridden.OriginalDefinition;
        }

        foreach (INamedTypeSymbol contract in member.ContainingType.AllInterfaces)
        {
            foreach (ISymbol declared in contract.GetMembers())
            {
                if (SymbolEqualityComparer.Default.Equals(member.ContainingType.FindImplementationForInterfaceMember(declared), member))
                {
                    yield return declared.OriginalDefinition;
                }
            }
        }
    }
}
