using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Vmem.Testing.Surface;

/// <summary>What a debugger shows of the public types, by <see cref="DebuggerDisplayAttribute"/>.</summary>
/// <remarks>Exceptions are left out: a debugger shows their message. What is understood of an expression is a chain of members without
/// arguments, and no more is needed.</remarks>
public static partial class DebuggerDisplays
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;

    /// <summary>The public types with instances that say nothing of themselves, and the expressions that name no member.</summary>
    public static IReadOnlyList<string> Faults(Assembly assembly)
    {
        List<string> faults = [];
        foreach (Type type in assembly.GetExportedTypes().Where(HasInstances))
        {
            if (DisplayOf(type) is not { } shown)
            {
                faults.Add($"{type} has no DebuggerDisplay.");
                continue;
            }

            faults.AddRange(Expressions(shown).Where(expression => !IsThere(type, expression))
                .Select(expression => $"{type} shows {{{expression}}}, which is no member."));
        }

        return faults;
    }

    /// <summary>What a debugger would write of an object.</summary>
    public static string TextOf(object shown) => Expression().Replace(
        DisplayOf(shown.GetType()) ?? throw new ArgumentException($"{shown.GetType()} has no DebuggerDisplay.", nameof(shown)),
        match => Convert.ToString(ValueOf(shown, match.Groups[1].Value), CultureInfo.InvariantCulture) ?? "null");

    /// <summary>The type's own, or else that of its base.</summary>
    private static string? DisplayOf(Type type) => type.GetCustomAttributes<DebuggerDisplayAttribute>().FirstOrDefault()?.Value;

    private static bool HasInstances(Type type) =>
        (type.IsClass || type.IsValueType)
        && !type.IsEnum
        && !(type.IsAbstract && type.IsSealed)
        && !typeof(Exception).IsAssignableFrom(type)
        && !typeof(Delegate).IsAssignableFrom(type)
        && !type.Name.Contains('<', StringComparison.Ordinal);             // the compiler's own, for members that extend a type

    private static IEnumerable<string> Expressions(string text) => Expression().Matches(text).Select(static match => match.Groups[1].Value);

    private static bool IsThere(Type type, string expression)
    {
        Type? at = type;
        foreach (string name in expression.Split('.'))
        {
            at = at is null ? null : TypeOf(Find(at, name));
        }

        return at is not null;
    }

    private static object? ValueOf(object shown, string expression)
    {
        object? value = shown;
        foreach (string name in expression.Split('.'))
        {
            value = value is null ? null : Find(value.GetType(), name) switch
            {
                FieldInfo field => field.GetValue(value),
                PropertyInfo property => property.GetValue(value),
                MethodInfo method => method.Invoke(value, null),
                _ => throw new InvalidOperationException($"{value.GetType()} has no {name}."),
            };
        }

        return value;
    }

    private static MemberInfo? Find(Type type, string name)
    {
        for (Type? at = type; at is not null; at = at.BaseType)
        {
            MemberInfo? found = name.EndsWith("()", StringComparison.Ordinal)
                ? at.GetMethod(name[..^2], Any, [])
                : at.GetProperty(name, Any | BindingFlags.DeclaredOnly) ?? (MemberInfo?)at.GetField(name, Any);
            if (found is not null)
            {
                return found;
            }
        }

        return type.GetInterfaces().Select(each => each.GetProperty(name)).FirstOrDefault(static found => found is not null);
    }

    private static Type? TypeOf(MemberInfo? member) => member switch
    {
        FieldInfo field => field.FieldType,
        PropertyInfo property => property.PropertyType,
        MethodInfo method => method.ReturnType,
        _ => null,
    };

    [GeneratedRegex(@"\{([^,}]+)(?:,nq)?\}")]
    private static partial Regex Expression();
}
