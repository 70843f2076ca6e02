using Vmem.Benchmarks.Commands;

return BenchCommand.Run(args);
