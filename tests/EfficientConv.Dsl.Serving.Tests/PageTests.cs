using System.Diagnostics;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>A test that needs Chromium (Debian's chromium); without it the test is skipped.</summary>
public sealed class ChromiumFactAttribute : FactAttribute
{
    public ChromiumFactAttribute()
    {
        if (PageTests.Chromium is null)
            Skip = "there is no Chromium (apt-get install chromium)";
    }
}

/// <summary>The sample's page as a person has it.</summary>
public sealed partial class PageTests
{
    internal static string? Chromium { get; } =
        Environment.GetEnvironmentVariable("PATH")?.Split(':').Select(folder => Path.Combine(folder, "chromium")).FirstOrDefault(File.Exists);

    [ChromiumFact]
    public async Task Page_ShowsTheClassesOfAPicture()
    {
        string html = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "index.html"));
        await using TestServer server = await TestServer.StartAsync(
            models: models => models.Add("mobilenet_v2", () => TestServer.Tiny, options => options.Images.Labels = ["cat", "dog"]),
            map: app =>
            {
                app.MapOpenInference();
                app.MapGet("/", () => Results.Content(html, "text/html"));
            });
        string profile = Directory.CreateTempSubdirectory("page-test").FullName;
        using Process browser = Process.Start(new ProcessStartInfo(
            Chromium!, ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", $"--user-data-dir={profile}", server.Http.BaseAddress!.ToString()])
        {
            RedirectStandardError = true,
        })!;
        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
            string port = "";
            while (port.Length == 0 && await browser.StandardError.ReadLineAsync(limit.Token) is { } line)
                port = DevToolsPort().Match(line).Groups[1].Value;
            using HttpClient http = new();
            JsonNode? page = null;
            while (page is null)
            {
                JsonArray targets = JsonNode.Parse(await http.GetStringAsync($"http://127.0.0.1:{port}/json", limit.Token))!.AsArray();
                page = targets.FirstOrDefault(target => (string?)target!["url"] == server.Http.BaseAddress.ToString());
                await Task.Delay(50, limit.Token);
            }

            using ClientWebSocket socket = new();
            await socket.ConnectAsync(new Uri((string)page["webSocketDebuggerUrl"]!), limit.Token);
            // The target has its address before it has the page.
            await WaitAsync("document.readyState === 'complete' && document.getElementById('file') !== null");
            await ChooseAsync("astronaut.jpg");
            await WaitAsync("document.querySelectorAll('#classes tr').length === 5");
            Assert.Matches(
                @"^mobilenet_v2 version 1, 512 x 384 pixels: [\d.]+ ms in all \(on the server: queue [\d.]+ ms, infer [\d.]+ ms\)$",
                await EvaluateAsync("document.getElementById('times').textContent"));
            Assert.Matches(@"^(cat|dog|class \d)[\d.]+ %$", await EvaluateAsync("document.querySelector('#classes tr').textContent"));

            // What is no picture gives the server's words.
            await ChooseAsync("index.html");
            await WaitAsync("document.getElementById('error').textContent !== ''");
            Assert.StartsWith("the picture is neither JPEG nor PNG", await EvaluateAsync("document.getElementById('error').textContent"), StringComparison.Ordinal);

            async Task ChooseAsync(string file)
            {
                JsonNode input = await CommandAsync("Runtime.evaluate", new JsonObject { ["expression"] = "document.getElementById('file')" });
                JsonObject choice = new() { ["objectId"] = (string)input["result"]!["objectId"]!, ["files"] = new JsonArray(Path.Combine(AppContext.BaseDirectory, file)) };
                await CommandAsync("DOM.setFileInputFiles", choice);
            }

            async Task WaitAsync(string condition)
            {
                while (await EvaluateAsync($"String({condition})") != "true")
                    await Task.Delay(50, limit.Token);
            }

            async Task<string> EvaluateAsync(string script) =>
                (string?)(await CommandAsync("Runtime.evaluate", new JsonObject { ["expression"] = script }))["result"]!["value"] ?? "";

            async Task<JsonNode> CommandAsync(string method, JsonObject parameters)
            {
                const int Id = 1;
                JsonObject call = new() { ["id"] = Id, ["method"] = method, ["params"] = parameters };
                await socket.SendAsync(Encoding.UTF8.GetBytes(call.ToJsonString()), WebSocketMessageType.Text, true, limit.Token);
                while (true)
                {
                    using MemoryStream message = new();
                    byte[] buffer = new byte[16 << 10];
                    ValueWebSocketReceiveResult part;
                    do
                    {
                        part = await socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
                        message.Write(buffer, 0, part.Count);
                    }
                    while (!part.EndOfMessage);
                    JsonNode answer = JsonNode.Parse(message.ToArray())!;
                    // Events have no number.
                    if (answer["id"] is not null)
                        return answer["result"] ?? throw new InvalidOperationException($"{method}: {answer.ToJsonString()}");
                }
            }
        }
        finally
        {
            browser.Kill(entireProcessTree: true);
            await browser.WaitForExitAsync();
            try
            {
                Directory.Delete(profile, recursive: true);
            }
            catch (IOException)
            {
                // A process of the browser that is still ending may write into it.
            }
        }
    }

    [GeneratedRegex("DevTools listening on ws://127.0.0.1:([0-9]+)/")]
    private static partial Regex DevToolsPort();
}
