namespace Vmem.Benchmarks.Reports;

/// <summary>One number of a study, for machines. <see cref="Segments"/> is the number of live ranges, or 0 where none is set.</summary>
internal sealed record Measured(string Subject, long Segments, string Metric, double Value, string Unit);

/// <summary>One table of a study, for readers.</summary>
internal sealed record ReportTable(string Caption, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<string>> Rows);

/// <summary>What a study found: tables, the numbers behind them, and the bars that they are held against.</summary>
internal sealed class StudyReport(string name, string title, string method)
{
    private readonly List<ReportTable> _tables = [];
    private readonly List<Bar> _bars = [];
    private readonly List<Measured> _numbers = [];
    private readonly List<string> _notes = [];

    /// <summary>The study's verb.</summary>
    public string Name { get; } = name;

    public string Title { get; } = title;

    /// <summary>What was done, in a sentence or two.</summary>
    public string Method { get; } = method;

    public IReadOnlyList<ReportTable> Tables => _tables;

    public IReadOnlyList<Bar> Bars => _bars;

    public IReadOnlyList<Measured> Numbers => _numbers;

    public IReadOnlyList<string> Notes => _notes;

    /// <summary>The machine, before and after.</summary>
    public string Machine { get; set; } = "";

    public void Add(ReportTable table) => _tables.Add(table);

    public void Add(Bar bar) => _bars.Add(bar);

    public void Record(string subject, long segments, string metric, double value, string unit) =>
        _numbers.Add(new Measured(subject, segments, metric, value, unit));

    public void Note(string note) => _notes.Add(note);
}
