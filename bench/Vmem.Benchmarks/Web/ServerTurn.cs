namespace Vmem.Benchmarks.Web;

/// <summary>What a server did in a turn.</summary>
/// <param name="Rate">Requests a second.</param>
/// <param name="Processor">Microseconds of processor time a request, with the client's.</param>
/// <param name="Collections">How many collections there were.</param>
internal readonly record struct ServerTurn(double Rate, double Processor, int Collections);
