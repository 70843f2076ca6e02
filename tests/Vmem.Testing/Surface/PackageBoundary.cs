using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.CompilerServices;

namespace Vmem.Testing.Surface;

/// <summary>Packages meet at their public members only, as two of them may be installed in versions that were never built together: an
/// internal member that one uses of another may then be gone, which no compiler sees.</summary>
/// <remarks>What is compared is metadata: the members that a compiled assembly refers to, with their signatures, and those that the other
/// one defines. A reference that meets nothing is a breach, too.</remarks>
public static class PackageBoundary
{
    private const string Accessor = nameof(UnsafeAccessorAttribute);
    private const string ChecksIgnored = "IgnoresAccessChecksToAttribute";

    /// <summary>Everything that one assembly uses of another and that is not public or protected there, a line each; and every means of
    /// its to get at what others hide.</summary>
    public static IReadOnlyList<string> Breaches(Assembly user, Assembly used)
    {
        using PEReader userFile = Open(user);
        using PEReader usedFile = Open(used);
        MetadataReader from = userFile.GetMetadataReader();
        var surface = new VisibleMembers(usedFile.GetMetadataReader());
        string name = used.GetName().Name!;
        SortedSet<string> breaches = new(StringComparer.Ordinal);
        foreach (TypeReferenceHandle handle in from.TypeReferences)
        {
            string type = MetadataNames.Of(from, handle);
            if (AssemblyOf(from, handle) == name && !surface.HasType(type))
            {
                breaches.Add(type);
            }

            if (type.EndsWith($".{Accessor}", StringComparison.Ordinal))
            {
                breaches.Add(Accessor);
            }
        }

        foreach (MemberReferenceHandle handle in from.MemberReferences)
        {
            MemberReference member = from.GetMemberReference(handle);
            if (TypeOf(from, member) is { IsNil: false } type
                && AssemblyOf(from, type) == name
                && !surface.HasMember(MetadataNames.Of(from, type), MetadataNames.Of(from, member)))
            {
                breaches.Add($"{MetadataNames.Of(from, type)}: {MetadataNames.Of(from, member)}");
            }
        }

        breaches.UnionWith(user.CustomAttributes.Where(attribute => attribute.AttributeType.Name == ChecksIgnored)
            .Select(attribute => $"{ChecksIgnored}: {attribute.ConstructorArguments[0].Value}"));
        return [.. breaches];
    }

    /// <summary>The assemblies that an assembly shows its internals to.</summary>
    public static IReadOnlyList<string> Friends(Assembly assembly) =>
        [.. assembly.GetCustomAttributes<InternalsVisibleToAttribute>().Select(friend => new AssemblyName(friend.AssemblyName).Name!)
            .Order(StringComparer.Ordinal)];

    /// <summary>The projects of this repository's tests.</summary>
    public static IReadOnlyList<string> TestProjects([CallerFilePath] string path = "")
    {
        DirectoryInfo? folder = new FileInfo(path).Directory;
        while (folder is not null && folder.Name != "tests")
        {
            folder = folder.Parent;
        }

        return [.. folder!.GetFiles("*.csproj", SearchOption.AllDirectories).Select(project => Path.GetFileNameWithoutExtension(project.Name))];
    }

    private static PEReader Open(Assembly assembly) => new(File.OpenRead(assembly.Location));

    /// <summary>The type that a member is of, as a reference; nil if it is none of another assembly.</summary>
    private static TypeReferenceHandle TypeOf(MetadataReader reader, MemberReference member) => member.Parent.Kind switch
    {
        HandleKind.TypeReference => (TypeReferenceHandle)member.Parent,
        HandleKind.TypeSpecification => GenericTypeOf(reader, (TypeSpecificationHandle)member.Parent),
        _ => default,
    };

    private static TypeReferenceHandle GenericTypeOf(MetadataReader reader, TypeSpecificationHandle handle)
    {
        BlobReader blob = reader.GetBlobReader(reader.GetTypeSpecification(handle).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
        {
            return default;                       // an array
        }

        _ = blob.ReadByte();                      // class or struct
        EntityHandle type = blob.ReadTypeHandle();
        return type.Kind == HandleKind.TypeReference ? (TypeReferenceHandle)type : default;
    }

    private static string? AssemblyOf(MetadataReader reader, TypeReferenceHandle handle)
    {
        EntityHandle scope = reader.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => AssemblyOf(reader, (TypeReferenceHandle)scope),
            HandleKind.AssemblyReference => reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)scope).Name),
            _ => null,
        };
    }
}
