namespace Vmem.Lending;

/// <summary>An arena that imports, as its source sees it; or that source, as a recall of its own sees it.</summary>
internal interface IBorrower
{
    /// <summary>Whether a request waits here, or above by more than so many that listen.</summary>
    bool IsWatchedBeside(int listeners);

    /// <summary>Changes whenever something goes that a request may have counted on, here or below.</summary>
    long Removals { get; }

    /// <summary>Gives everything back to the source that it keeps and nobody uses: what its own borrowers keep, what lies in its caches,
    /// empty imports. Serves and notifies nobody.</summary>
    /// <param name="recall">Is told who has to be told afterwards.</param>
    /// <returns>Whether it may come to keep something without saying so again.</returns>
    bool GiveBack(Recall recall);

    /// <summary>The recall is over: whoever waits in it or above it is tried again.</summary>
    void EndRecall();
}

/// <summary>A source that can ask for what it lent.</summary>
internal interface ILoanSource
{
    /// <summary>Those it lends to.</summary>
    Borrowers Borrowers { get; }
}

/// <summary>Such a source of which parts may drain.</summary>
/// <typeparam name="T">What its values are.</typeparam>
internal interface ILoanSource<T> : ILoanSource
{
    /// <summary>Whether a value lies in a span that drains, here or below: then nobody keeps what holds it without need. A hint; takes no
    /// lock.</summary>
    bool Drains(T value);
}
