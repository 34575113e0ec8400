using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using EfficientConv.Dsl.LoadGenerator;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Argument<string> server = new("server") { Description = "The server's REST address, http://localhost:8000." };
Option<string> model = new("--model") { Description = "The model.", DefaultValueFactory = _ => "mobilenet_v2" };
Option<FileInfo?> picture = new("--picture") { Description = "A JPEG or PNG to classify, in place of tensors." };
Option<double> rate = new("--rate") { Description = "Requests a second, at random times whether answers come or not; 0 sends the next one when an answer has come." };
Option<bool> paced = new("--paced") { Description = "With --rate: at equal distances, as one camera sends, and not at random." };
Option<bool> expect = new("--expect") { Description = "Waits for the server's 100 Continue before it sends a body, so that what is rejected is not sent." };
Option<int> connections = new("--connections") { Description = "Connections.", DefaultValueFactory = _ => 64 };
Option<double> seconds = new("--seconds") { Description = "How long, after a second to warm up.", DefaultValueFactory = _ => 10 };
Option<int?> process = new("--pid") { Description = "The server's process, to report its processor time and memory." };
Option<double?> retry = new("--retry") { Description = "Seconds that a request is tried again for when its connection breaks or a proxy says 502 or 503." };
Option<int> workers = new("--workers") { Description = "With --rate and --service: of the ideal server to compare with.", DefaultValueFactory = _ => 2 };
Option<double?> service = new("--service") { Description = "Milliseconds that an image takes on a worker: what a server without any other cost would have had is reported too." };
Option<FileInfo?> json = new("--json") { Description = "A file that the run is added to, for the documentation.", Recursive = true };
Option<string> name = new("--name") { Description = "With --json: the run's name there.", DefaultValueFactory = _ => "run", Recursive = true };
Option<string?> note = new("--note") { Description = "With --json: how the server was started.", Recursive = true };
RootCommand command = new("Sends requests to a server of the Open Inference Protocol and reports goodput, latency and rejections. All of a run's answers must have the same bits.")
{
    server, model, picture, rate, paced, expect, connections, seconds, process, retry, workers, service, json, name, note,
};
command.SetAction(async (parsed, cancellation) =>
{
    Load load = new(new LoadOptions(new Uri(parsed.GetRequiredValue(server)), parsed.GetRequiredValue(model))
    {
        Picture = parsed.GetValue(picture),
        Process = parsed.GetValue(process),
        Expects = parsed.GetValue(expect),
        Rate = parsed.GetValue(rate),
        IsPaced = parsed.GetValue(paced),
        Connections = parsed.GetValue(connections),
        Duration = TimeSpan.FromSeconds(parsed.GetValue(seconds)),
        Retry = TimeSpan.FromSeconds(parsed.GetValue(retry) ?? 0),
        Ideal = parsed.GetValue(service) is { } milliseconds ? (parsed.GetValue(workers), milliseconds) : null,
    });
    int exit = await load.RunAsync(cancellation);
    if (parsed.GetValue(json) is { } file)
        RunFile.Add(file, parsed.GetRequiredValue(name), parsed.GetValue(note), load.Result);
    return exit;
});

Argument<string> binary = new("binary") { Description = "The server's binary." };
Argument<string[]> settings = new("settings") { Description = "Its settings, Weights=FILE.", Arity = ArgumentArity.ZeroOrMore };
Option<int> starts = new("--starts") { Description = "How often it is started.", DefaultValueFactory = _ => 20 };
Option<int> port = new("--port") { Description = "The port for REST; gRPC has the next one.", DefaultValueFactory = _ => 18500 };
Command start = new("start", "Starts a server again and again and reports how long it takes until it says that it is ready.") { binary, settings, starts, port };
start.SetAction(parsed =>
{
    JsonObject result = new Starts(parsed.GetRequiredValue(binary), parsed.GetValue(settings) ?? [], parsed.GetValue(port)).Run(parsed.GetValue(starts));
    if (parsed.GetValue(json) is { } file)
        RunFile.Add(file, parsed.GetRequiredValue(name), parsed.GetValue(note), result);
});
command.Subcommands.Add(start);
return await command.Parse(args).InvokeAsync();
