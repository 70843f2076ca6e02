using Microsoft.CodeAnalysis;

namespace Vmem.Architecture.Tests;

/// <summary>The arena conducts: it says the order of things and leaves the things to others. Its size is how one sees it.</summary>
/// <remarks>The ceilings are arbitrary, a little above what was reached when the arena became a conductor; members and files have grown
/// since by the calls that people ask for, each of which hands on to a type of its own.</remarks>
public class ArenaSizeTests(ITestOutputHelper output)
{
    private const int MostFields = 14;
    private const int MostMembers = 177;          // overloads counted singly, fields included, accessors not
    private const int MostFiles = 14;
    private const int MostMethodsMet = 35;
    private const int MostFilesMet = 8;

    private static readonly SourceProject s_vmem = Projects.Of("Vmem");

    private static readonly INamedTypeSymbol s_arena = s_vmem.Types.Single(type => type is { Name: "Arena", Arity: 1 });

    [Fact]
    public void The_arena_has_few_fields_members_and_files()
    {
        ISymbol[] members = [.. s_arena.GetMembers()
            .Where(member => !member.IsImplicitlyDeclared && member is not IMethodSymbol { AssociatedSymbol: not null })];
        // static and behind properties, too
        int fields = s_arena.GetMembers().Count(member => member is IFieldSymbol { IsConst: false });
        int files = Uses.FilesOf(s_arena).Distinct().Count();
        output.WriteLine($"Arena<T>: {fields} fields, {members.Length} members, {files} files.");
        Assert.InRange(fields, 1, MostFields);
        Assert.InRange(members.Length, 1, MostMembers);
        Assert.InRange(files, 1, MostFiles);
    }

    /// <summary>Two figures: one of the arena alone, one with all that was the arena's own code before it became a conductor.</summary>
    [Fact]
    public void A_reader_of_AllocateAsync_meets_few_methods()
    {
        (int methods, int files) = Met(IsArena);
        (int allMethods, int allFiles) = Met(WasOfArena);
        output.WriteLine($"From AllocateAsync: {methods} methods of Arena<T> in {files} files; {allMethods} in {allFiles} with the folders that it conducts.");
        Assert.InRange(methods, 1, MostMethodsMet);
        Assert.InRange(files, 1, MostFilesMet);
    }

    private static (int Methods, int Files) Met(Func<INamedTypeSymbol, bool> isInScope)
    {
        IReadOnlyCollection<IMethodSymbol> met = Reach.From(s_vmem, s_arena.GetMembers("AllocateAsync"), isInScope);
        return (met.Count, met.SelectMany(Uses.FilesOf).Distinct().Count());
    }

    private static bool IsArena(INamedTypeSymbol type) => SymbolEqualityComparer.Default.Equals(type, s_arena);

    private static bool WasOfArena(INamedTypeSymbol type) =>
        type.Name == "QuantumCaches" || Uses.FilesOf(type).Any(file => s_vmem.FolderOf(file) is "Arena" or "Space" or "Importing" or "Waiting");
}
