using System.Collections.Immutable;
using System.Reflection.Metadata;

namespace Vmem.Testing.Surface;

/// <summary>Names of types, and of members with their signatures, that read the same where they are defined and where they are referred
/// to.</summary>
internal sealed class MetadataNames : ISignatureTypeProvider<string, object?>
{
    private static readonly MetadataNames s_text = new();

    public static string Of(MetadataReader reader, TypeReferenceHandle handle)
    {
        TypeReference type = reader.GetTypeReference(handle);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? $"{Of(reader, (TypeReferenceHandle)type.ResolutionScope)}+{reader.GetString(type.Name)}"
            : $"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}";
    }

    public static string Of(MetadataReader reader, TypeDefinitionHandle handle)
    {
        TypeDefinition type = reader.GetTypeDefinition(handle);
        return type.IsNested
            ? $"{Of(reader, type.GetDeclaringType())}+{reader.GetString(type.Name)}"
            : $"{reader.GetString(type.Namespace)}.{reader.GetString(type.Name)}";
    }

    public static string Of(MetadataReader reader, MemberReference member) => member.GetKind() == MemberReferenceKind.Method
        ? Of(reader.GetString(member.Name), member.DecodeMethodSignature(s_text, null))
        : $"{member.DecodeFieldSignature(s_text, null)} {reader.GetString(member.Name)}";

    public static string Of(MetadataReader reader, MethodDefinition method) =>
        Of(reader.GetString(method.Name), method.DecodeSignature(s_text, null));

    public static string Of(MetadataReader reader, FieldDefinition field) => $"{field.DecodeSignature(s_text, null)} {reader.GetString(field.Name)}";

    private static string Of(string name, MethodSignature<string> signature)
    {
        string arity = signature.GenericParameterCount > 0 ? $"`{signature.GenericParameterCount}" : "";
        return $"{(signature.Header.IsInstance ? "" : "static ")}{signature.ReturnType} {name}{arity}({string.Join(", ", signature.ParameterTypes)})";
    }

    public string GetPrimitiveType(PrimitiveTypeCode typeCode) => $"{typeCode}";

    public string GetTypeFromDefinition(MetadataReader reader, TypeDefinitionHandle handle, byte rawTypeKind) => Of(reader, handle);

    public string GetTypeFromReference(MetadataReader reader, TypeReferenceHandle handle, byte rawTypeKind) => Of(reader, handle);

    public string GetTypeFromSpecification(
        MetadataReader reader,
        object? genericContext,
        TypeSpecificationHandle handle,
        byte rawTypeKind) =>
        reader.GetTypeSpecification(handle).DecodeSignature(this, genericContext);

    public string GetSZArrayType(string elementType) => $"{elementType}[]";

    public string GetArrayType(string elementType, ArrayShape shape) => $"{elementType}[{new string(',', shape.Rank - 1)}]";

    public string GetPointerType(string elementType) => $"{elementType}*";

    public string GetByReferenceType(string elementType) => $"{elementType}&";

    public string GetPinnedType(string elementType) => elementType;

    public string GetModifiedType(string modifier, string unmodifiedType, bool isRequired) => $"{unmodifiedType} mod({modifier})";

    public string GetFunctionPointerType(MethodSignature<string> signature) => Of("", signature);

    public string GetGenericInstantiation(string genericType, ImmutableArray<string> typeArguments) => $"{genericType}<{string.Join(", ", typeArguments)}>";

    public string GetGenericTypeParameter(object? genericContext, int index) => $"!{index}";

    public string GetGenericMethodParameter(object? genericContext, int index) => $"!!{index}";
}
