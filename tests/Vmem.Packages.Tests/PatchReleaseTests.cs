using Mono.Cecil;
using Mono.Cecil.Rocks;
using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests;

/// <summary>
/// A patch release of <c>Vmem</c> may change every internal of it, and must run beside a <c>Vmem.Memory</c> that was built against the
/// release before. So here is one that changes them all: each internal type and member has another name.
/// </summary>
[Collection(PackageFeedTests.Name)]
public sealed class PatchReleaseTests(PackageFeed feed)
{
    [Fact]
    public void The_next_Vmem_runs_beside_todays_packages()
    {
        feed.AddNextVersion("Vmem", "lib/net10.0/Vmem.dll", RenameInternals);

        CommandResult result = new ConsoleApp(feed, "patch")
            .With("Vmem", PackageFeed.NextVersion).With("Vmem.Memory").With("Vmem.Extensions.ObjectPool")
            .WithProperty("AllowUnsafeBlocks", "true")
            .WithProgram(File.ReadAllText(Repository.PathOf("samples/Tour/Program.cs"))).Run().Succeeded();
        Assert.Contains("NativeHeap", result.Output, StringComparison.Ordinal);
    }

    private static byte[] RenameInternals(Stream original)
    {
        using AssemblyDefinition assembly = AssemblyDefinition.ReadAssembly(original);
        // Members of generic types are referred to by name within the assembly, too, by each instruction for itself.
        var references = assembly.MainModule.GetAllTypes().SelectMany(type => type.Methods).Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions)
            .Select(instruction => instruction.Operand is GenericInstanceMethod generic ? generic.ElementMethod : instruction.Operand)
            .OfType<MemberReference>()
            .Where(reference => reference.DeclaringType is GenericInstanceType { ElementType: TypeDefinition })
            .Select(reference => (Reference: reference, Definition: (MemberReference)reference.Resolve())).ToList();
        int renamed = 0;
        foreach (TypeDefinition type in assembly.MainModule.GetAllTypes().Where(type => !type.Name.StartsWith('<')))
        {
            foreach (MethodDefinition method in type.Methods
                .Where(method => !method.IsVirtual && !method.IsConstructor && IsHidden(method)))
            {
                method.Name = $"M{renamed++}";
            }

            foreach (FieldDefinition field in type.Fields
                .Where(field => (field.IsPrivate || field.IsAssembly || !IsVisible(type)) && !field.IsRuntimeSpecialName))
            {
                field.Name = $"F{renamed++}";
            }

            if (!IsVisible(type))
            {
                type.Name = $"T{renamed++}" + (type.Name.IndexOf('`') is >= 0 and int tick ? type.Name[tick..] : "");
            }
        }

        foreach ((MemberReference reference, MemberReference definition) in references)
        {
            reference.Name = definition.Name;
        }

        Assert.True(renamed > 500, "Hardly an internal was renamed: what is tested here?");
        var changed = new MemoryStream();
        assembly.Write(changed);
        return changed.ToArray();
    }

    private static bool IsHidden(MethodDefinition method) =>
        method.IsPrivate || method.IsAssembly || method.IsFamilyAndAssembly || !IsVisible(method.DeclaringType);

    private static bool IsVisible(TypeDefinition type) =>
        type.IsPublic || ((type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamilyOrAssembly) && IsVisible(type.DeclaringType));
}
