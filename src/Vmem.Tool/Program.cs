using Vmem.Tool.Commands;

return await ToolCommand.InvokeAsync(args, ToolConsole.System());
