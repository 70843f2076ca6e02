namespace Vmem.Testing.Exploration;

/// <summary>A thread that does one thing after the other: to start one for each schedule would take longer than the schedule.</summary>
internal sealed class Worker : IDisposable
{
    private readonly Baton _toDo = new();
    private readonly Baton _done = new();
    private Action? _work;

    public Worker()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "explored" };
        thread.Start();
    }

    public void Start(Action work)
    {
        _work = work;
        _toDo.Pass();
    }

    public void Join() => _done.Take();

    public void Dispose() => Start(null!);

    private void Run()
    {
        while (true)
        {
            _toDo.Take();
            if (_work is null)
            {
                return;
            }

            _work();
            _done.Pass();
        }
    }
}
