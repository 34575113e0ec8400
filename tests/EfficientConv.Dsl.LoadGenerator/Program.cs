using System.CommandLine;
using System.Globalization;
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
RootCommand command = new("Sends requests to a server of the Open Inference Protocol and reports goodput, latency and rejections. All of a run's answers must have the same bits.")
{
    server, model, picture, rate, paced, expect, connections, seconds, process, retry,
};
command.SetAction(async (parsed, cancellation) =>
{
    Load load = new(new Uri(parsed.GetRequiredValue(server)), parsed.GetRequiredValue(model), parsed.GetValue(picture), parsed.GetValue(process), parsed.GetValue(expect), TimeSpan.FromSeconds(parsed.GetValue(retry) ?? 0));
    return await load.RunAsync(parsed.GetValue(rate), parsed.GetValue(paced), parsed.GetValue(connections), TimeSpan.FromSeconds(parsed.GetValue(seconds)), cancellation);
});
return await command.Parse(args).InvokeAsync();
