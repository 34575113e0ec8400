using System.Net;
using System.Text.RegularExpressions;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Configuration;
using YamlDotNet.Serialization;

namespace EfficientConv.Dsl.Serving.Tests;

/// <summary>The sample's manifests, as far as they can be checked without a cluster: against Kubernetes' own types, against each other and against the server.</summary>
public sealed partial class ManifestTests
{
    private static readonly TimeSpan s_shutdown = TimeSpan.FromSeconds(30);

    private readonly List<object> _objects = KubernetesYaml.LoadAllFromString(Read("kubernetes.yaml"), strict: true);

    [Fact]
    public void Objects_AreWhatTheySay_AndFindEachOther()
    {
        Assert.Equal([typeof(V1Deployment), typeof(V1Service), typeof(V1PodDisruptionBudget), typeof(V2HorizontalPodAutoscaler)], _objects.Select(part => part.GetType()));
        V1Deployment deployment = Part<V1Deployment>();
        IDictionary<string, string> labels = deployment.Spec.Template.Metadata.Labels;
        Assert.Equal(labels, deployment.Spec.Selector.MatchLabels);
        Assert.Equal(labels, Part<V1Service>().Spec.Selector);
        Assert.Equal(labels, Part<V1PodDisruptionBudget>().Spec.Selector.MatchLabels);
        V2CrossVersionObjectReference scaled = Part<V2HorizontalPodAutoscaler>().Spec.ScaleTargetRef;
        Assert.Equal((deployment.ApiVersion, deployment.Kind, deployment.Metadata.Name), (scaled.ApiVersion, scaled.Kind, scaled.Name));
        Assert.Equal(Container.VolumeMounts.Select(mount => mount.Name), deployment.Spec.Template.Spec.Volumes.Select(volume => volume.Name));
    }

    [Fact]
    public void Ports_AreTheServers()
    {
        Assert.Equal([("http", Setting("HttpPort")), ("grpc", Setting("GrpcPort"))], Container.Ports.Select(port => (port.Name, port.ContainerPort)));
        Assert.Equal(Container.Ports.Select(port => (port.Name, port.ContainerPort)), Part<V1Service>().Spec.Ports.Select(port => (port.Name, port.Port)));
        IDictionary<string, string> annotations = Part<V1Deployment>().Spec.Template.Metadata.Annotations;
        Assert.Equal($"{Setting("HttpPort")}", annotations["prometheus.io/port"]);
        Assert.Contains($"EXPOSE {Setting("HttpPort")} {Setting("GrpcPort")}", Read("Dockerfile"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probes_AreAnswered_AndReadinessEndsWithTheDrain()
    {
        await using TestServer server = await TestServer.StartAsync(options => options.DrainDelay = TimeSpan.FromSeconds(2));
        V1Probe[] probes = [Container.StartupProbe, Container.ReadinessProbe, Container.LivenessProbe];
        foreach (V1HTTPGetAction get in probes.Select(probe => probe.HttpGet))
        {
            Assert.Equal("http", get.Port.Value);
            Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(get.Path)).StatusCode);
        }

        Task stopping = server.App.StopAsync();
        HttpStatusCode ready = HttpStatusCode.OK;
        for (int i = 0; i < 100 && ready == HttpStatusCode.OK; i++)
        {
            ready = (await server.Http.GetAsync(Container.ReadinessProbe.HttpGet.Path)).StatusCode;
            await Task.Delay(5);
        }

        Assert.Equal(HttpStatusCode.BadRequest, ready);
        // Not to be killed while it drains.
        Assert.Equal(HttpStatusCode.OK, (await server.Http.GetAsync(Container.LivenessProbe.HttpGet.Path)).StatusCode);
        await stopping;
    }

    [Theory]
    [InlineData("kubernetes.yaml")]
    [InlineData("kserve.yaml")]
    public void Environment_IsWhatTheServerReads(string file)
    {
        (string Name, string Value)[] settings = [.. EnvironmentEntry().Matches(Read(file)).Select(match => (match.Groups[1].Value, match.Groups[2].Value))];
        Assert.NotEmpty(settings);
        string program = Read("Program.cs");
        foreach ((string name, string value) in settings)
        {
            if (name.StartsWith("Serving__", StringComparison.Ordinal))
                Assert.NotNull(typeof(ConvNetServerOptions).GetProperty(name["Serving__".Length..]));
            else
                Assert.Contains($"\"{name}\"", program, StringComparison.Ordinal);
            Assert.NotEmpty(value);
        }
    }

    [Fact]
    public void GracePeriod_IsLongerThanDrainAndShutdown()
    {
        IConfigurationSection serving = new ConfigurationBuilder()
            .AddInMemoryCollection(Container.Env.Select(setting => KeyValuePair.Create(setting.Name.Replace("__", ":", StringComparison.Ordinal), (string?)setting.Value)))
            .Build().GetSection("Serving");
        ConvNetServerOptions options = new();
        serving.Bind(options);
        Assert.True(options.DrainDelay > TimeSpan.Zero);
        Assert.True(TimeSpan.FromSeconds(Part<V1Deployment>().Spec.Template.Spec.TerminationGracePeriodSeconds!.Value) > options.DrainDelay + s_shutdown);
        // Long enough to be seen by every probe.
        Assert.True(options.DrainDelay > TimeSpan.FromSeconds(Container.ReadinessProbe.PeriodSeconds!.Value * Container.ReadinessProbe.FailureThreshold!.Value));
    }

    [Fact]
    public void Cores_AreWhole_AndReserved()
    {
        V1ResourceRequirements resources = Container.Resources;
        Assert.Equal(resources.Requests["cpu"].ToDecimal(), resources.Limits["cpu"].ToDecimal());
        Assert.Equal(decimal.Truncate(resources.Limits["cpu"].ToDecimal()), resources.Limits["cpu"].ToDecimal());
        Assert.True(resources.Limits["memory"].ToDecimal() >= 200 << 20);
    }

    [Fact]
    public void Autoscaler_AsksForAMetricThatThereIs()
    {
        V2MetricSpec metric = Assert.Single(Part<V2HorizontalPodAutoscaler>().Spec.Metrics);
        // Prometheus has underscores where OpenTelemetry has points.
        Assert.Equal("convnet.server.queue.length".Replace('.', '_'), metric.Pods.Metric.Name);
    }

    [Fact]
    public void KServe_RuntimeAndService_FitEachOther()
    {
        IDeserializer yaml = new DeserializerBuilder().Build();
        Dictionary<string, object>[] parts = [.. Read("kserve.yaml").Split("\n---\n").Select(text => yaml.Deserialize<Dictionary<string, object>>(text))];
        Assert.Equal(["ServingRuntime", "InferenceService"], parts.Select(part => part["kind"]));
        Dictionary<object, object> runtime = Map(parts[0]["spec"]), container = Map(((List<object>)runtime["containers"])[0]);
        Dictionary<object, object> model = Map(Map(Map(parts[1]["spec"])["predictor"])["model"]);
        Assert.Equal(Map(((List<object>)runtime["supportedModelFormats"])[0])["name"], Map(model["modelFormat"])["name"]);
        Assert.Contains(model["protocolVersion"], (List<object>)runtime["protocolVersions"]);
        // KServe finds the container by this name.
        Assert.Equal("kserve-container", container["name"]);
        Dictionary<object, object> probe = Map(Map(container["readinessProbe"])["httpGet"]);
        Assert.Equal(("/v2/health/ready", Map(((List<object>)container["ports"])[0])["containerPort"]), (probe["path"], probe["port"]));
        Assert.Contains($"{{ name: HttpPort, value: \"{probe["port"]}\" }}", Read("kserve.yaml"), StringComparison.Ordinal);

        static Dictionary<object, object> Map(object value) => (Dictionary<object, object>)value;
    }

    private V1Container Container => Assert.Single(Part<V1Deployment>().Spec.Template.Spec.Containers);

    private T Part<T>() => Assert.Single(_objects.OfType<T>());

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file));

    /// <summary>The port that the program takes where nothing is said.</summary>
    private static int Setting(string name) =>
        int.Parse(Regex.Match(Read("Program.cs"), $"\"{name}\", ([0-9]+)").Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex("- { name: ([A-Za-z_]+), value: \"?([^\"}]+)\"? }")]
    private static partial Regex EnvironmentEntry();
}
