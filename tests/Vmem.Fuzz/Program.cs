return Vmem.Fuzz.FuzzCommand.Run(args, Console.Out, Console.Error);
