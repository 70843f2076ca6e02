namespace Vmem.Tool.Traces;

/// <summary>The ways in which a recording can be written down.</summary>
internal enum TraceFormat
{
    /// <summary>What <c>heaptrack</c> writes, interpreted or <c>--raw</c>.</summary>
    Heaptrack,

    /// <summary>What glibc's <c>mtrace()</c> writes.</summary>
    Mtrace,

    /// <summary>The log of <c>valgrind --trace-malloc=yes</c>.</summary>
    Valgrind,

    /// <summary>What <c>ltrace</c> writes, and the same by other means.</summary>
    Ltrace,

    /// <summary>The tool's own <c>a ID SIZE</c> / <c>f ID</c>.</summary>
    Vmem,
}
