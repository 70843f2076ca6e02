using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Vmem.Checks;

/// <summary>The checks of state, as against those of arguments: <see cref="Hold"/> for <c>Validate</c>, always; <see cref="Assert"/> for
/// the O(1) ones, in Debug builds.</summary>
internal static class Invariant
{
    /// <summary>Throws unless the condition holds; the detail is formatted only then.</summary>
    public static void Hold(bool condition, string invariant,
        [InterpolatedStringHandlerArgument(nameof(condition))] ref FailureDetail detail)
    {
        if (!condition)
        {
            throw new InvariantViolationException(invariant, detail.ToString());
        }
    }

    [Conditional("DEBUG")]
    public static void Assert(bool condition, string invariant)
    {
        if (!condition)
        {
            throw new InvariantViolationException(invariant, "Found by an assertion.");
        }
    }

    /// <summary>An interpolated string that is built only when the check has failed.</summary>
    [InterpolatedStringHandler]
    internal ref struct FailureDetail
    {
        private DefaultInterpolatedStringHandler _inner;
        private readonly bool _wanted;

        public FailureDetail(int literalLength, int formattedCount, bool condition, out bool wanted)
        {
            _wanted = wanted = !condition;
            _inner = wanted ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;
        }

        public void AppendLiteral(string value) => _inner.AppendLiteral(value);

        public void AppendFormatted<TValue>(TValue value) => _inner.AppendFormatted(value);

        public override string ToString() => _wanted ? _inner.ToStringAndClear() : "";
    }
}
