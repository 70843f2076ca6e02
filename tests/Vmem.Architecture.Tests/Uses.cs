using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests;

/// <summary>What a piece of code uses by name.</summary>
/// <remarks>
/// Counted: each name that means a member or a type, in code and in declarations; <c>new()</c>, <c>this(…)</c> and <c>base(…)</c>, which
/// use a constructor; an indexer; an operator that the sources declare. Not counted: names in comments, and what the compiler calls without
/// being told so by name (a conversion, <c>Dispose</c> at the end of a <c>using</c>).
/// </remarks>
internal static class Uses
{
    /// <summary>The symbols that a node and all below it use, as declared, without their type arguments.</summary>
    public static IEnumerable<ISymbol> Of(SyntaxNode node, SemanticModel model) =>
        node.DescendantNodesAndSelf().Where(IsUse).Select(use => model.GetSymbolInfo(use).Symbol).OfType<ISymbol>().Select(Declared);

    /// <summary>The files that declare it; none if it is not of these sources.</summary>
    public static IEnumerable<SyntaxTree> FilesOf(ISymbol symbol) =>
        symbol.DeclaringSyntaxReferences.Select(reference => reference.SyntaxTree);

    /// <summary>The outermost type that a symbol is a member of, or is itself.</summary>
    public static INamedTypeSymbol? OutermostType(ISymbol symbol)
    {
        INamedTypeSymbol? type = symbol as INamedTypeSymbol ?? symbol.ContainingType;
        while (type?.ContainingType is { } outer)
        {
            type = outer;
        }

        return type?.OriginalDefinition;
    }

    private static bool IsUse(SyntaxNode node) =>
        node is SimpleNameSyntax
            or BaseObjectCreationExpressionSyntax
            or ConstructorInitializerSyntax
            or ElementAccessExpressionSyntax
            or BinaryExpressionSyntax
            or PrefixUnaryExpressionSyntax;

    private static ISymbol Declared(ISymbol symbol)
    {
        ISymbol declared = (symbol is IMethodSymbol { ReducedFrom: { } extension } ? extension : symbol).OriginalDefinition;
        return declared is IMethodSymbol { PartialImplementationPart: { } body } ? body : declared;
    }
}
