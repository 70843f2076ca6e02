namespace Vmem.Benchmarks.Subjects;

/// <summary>A line of a study's table, which can run any experiment.</summary>
internal interface ISubject
{
    /// <summary>Its name in tables and files.</summary>
    string Key { get; }

    /// <summary>Runs an experiment on this subject, compiled for its target.</summary>
    TResult Run<TResult>(IExperiment<TResult> experiment);
}
