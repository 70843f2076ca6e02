using System.Text;

namespace Vmem.Testing.Driving;

/// <summary>Collects the calls of a failing sequence as C# that can be pasted into a test.</summary>
public sealed class ReproductionWriter
{
    private readonly StringBuilder _text = new();

    /// <summary>Adds a statement.</summary>
    public void Line(string statement) => _text.Append("    ").AppendLine(statement);

    public override string ToString() => _text.ToString();
}
