using System.Reflection;
using System.Reflection.Metadata;

namespace Vmem.Testing.Surface;

/// <summary>What an assembly lets others use: its public and protected types and members, by their names in metadata.</summary>
internal sealed class VisibleMembers
{
    private readonly Dictionary<string, HashSet<string>> _types = [];

    public VisibleMembers(MetadataReader reader)
    {
        foreach (TypeDefinitionHandle handle in reader.TypeDefinitions)
        {
            if (IsVisible(reader, handle))
            {
                _types.Add(MetadataNames.Of(reader, handle), MembersOf(reader, reader.GetTypeDefinition(handle)));
            }
        }
    }

    public bool HasType(string name) => _types.ContainsKey(name);

    public bool HasMember(string type, string member) => _types.TryGetValue(type, out HashSet<string>? members) && members.Contains(member);

    private static HashSet<string> MembersOf(MetadataReader reader, TypeDefinition type)
    {
        HashSet<string> members = new(StringComparer.Ordinal);
        foreach (MethodDefinition method in type.GetMethods().Select(reader.GetMethodDefinition))
        {
            if ((method.Attributes & MethodAttributes.MemberAccessMask) is MethodAttributes.Public
                or MethodAttributes.Family
                or MethodAttributes.FamORAssem)
            {
                members.Add(MetadataNames.Of(reader, method));
            }
        }

        foreach (FieldDefinition field in type.GetFields().Select(reader.GetFieldDefinition))
        {
            if ((field.Attributes & FieldAttributes.FieldAccessMask) is FieldAttributes.Public
                or FieldAttributes.Family
                or FieldAttributes.FamORAssem)
            {
                members.Add(MetadataNames.Of(reader, field));
            }
        }

        return members;
    }

    private static bool IsVisible(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => true,
            TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem =>
                IsVisible(reader, type.GetDeclaringType()),
            _ => false,
        };
    }
}
