namespace Vmem.Leasing.Sqlite.Sql;

/// <summary>The rows of a statement that runs. The statement is free for its next use when this is disposed of.</summary>
internal readonly ref struct Rows(Statement statement)
{
    public bool Next() => statement.Step();

    public bool IsNull(int column) => statement.IsNull(column);

    public long Number(int column) => statement.Number(column);

    public int Number32(int column) => (int)statement.Number(column);

    public long? NumberOrNull(int column) => statement.IsNull(column) ? null : statement.Number(column);

    public UInt128 Wide(int column) => statement.Wide(column);

    public UInt128 WideOrZero(int column) => statement.IsNull(column) ? 0 : statement.Wide(column);

    public Guid Id(int column) => statement.Id(column);

    public Guid IdOrEmpty(int column) => statement.IsNull(column) ? Guid.Empty : statement.Id(column);

    public string Text(int column) => statement.Text(column);

    public DateTimeOffset Time(int column) => new(statement.Number(column), TimeSpan.Zero);

    public void Dispose() => statement.Reset();
}
