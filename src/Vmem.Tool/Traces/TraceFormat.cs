namespace Vmem.Tool.Traces;

/// <summary>The three ways in which a recording can be written down.</summary>
internal enum TraceFormat
{
    /// <summary>What <c>heaptrack --raw</c> writes.</summary>
    Heaptrack,

    /// <summary>What glibc's <c>mtrace()</c> writes.</summary>
    Mtrace,

    /// <summary>The tool's own <c>a ID SIZE</c> / <c>f ID</c>.</summary>
    Vmem,
}
