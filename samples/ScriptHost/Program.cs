using Vmem.Samples;

Demonstration.Run(Console.Out, runs: 10_000);
