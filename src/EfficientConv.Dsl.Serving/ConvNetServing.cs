using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

/// <summary>Adds networks to an ASP.NET Core program and maps the protocols' addresses.</summary>
public static class ConvNetServing
{
    /// <summary>The name of the meter and of the activity source, for <c>AddMeter</c> and <c>AddSource</c> of OpenTelemetry.</summary>
    public const string TelemetryName = "EfficientConv.Dsl.Serving";

    /// <summary>
    /// Adds the models and what runs them. They begin to load at once, on other threads, and are loaded before the server listens, so that it is ready when it answers; a model
    /// that cannot be loaded ends the start with its error. <see cref="ConvNetServerOptions"/> are set as any options: <c>services.Configure&lt;ConvNetServerOptions&gt;(...)</c>.
    /// </summary>
    /// <param name="services">The program's services.</param>
    /// <param name="configure">Adds the models.</param>
    public static IServiceCollection AddConvNets(this IServiceCollection services, Action<ConvNetModels> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        ConvNetModels models = new();
        configure(models);
        models.Begin();
        services.AddOptions();
        services.AddMetrics();
        services.AddLogging();
        services.AddRouting();
        services.AddGrpc();
        services.AddOptions<global::Grpc.AspNetCore.Server.GrpcServiceOptions<OpenInferenceGrpc>>().Configure<IOptions<ConvNetServerOptions>>((grpc, options) =>
        {
            grpc.MaxReceiveMessageSize = options.Value.MaxRequestBytes;
            grpc.MaxSendMessageSize = null;
        });
        services.AddSingleton(models);
        services.AddSingleton(provider => new ModelRepository(
            provider.GetRequiredService<ConvNetModels>(), provider.GetRequiredService<IOptions<ConvNetServerOptions>>(), provider.GetRequiredService<ILogger<ModelRepository>>()));
        services.TryAddSingleton<Telemetry>();
        services.TryAddSingleton<ServerState>();
        services.TryAddSingleton<InferenceScheduler>();
        services.TryAddSingleton<InferenceService>();
        services.TryAddSingleton<OpenInferenceGrpc>();
        services.TryAddSingleton<RepositoryService>();
        services.TryAddSingleton<ModelRepositoryGrpc>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<OpenInferenceGrpc>, OpenInferenceGrpc.Methods>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<ModelRepositoryGrpc>, ModelRepositoryGrpc.Methods>());
        services.AddSingleton<IMemoryPoolFactory<byte>, SocketBuffers>();
        services.AddHostedService<ServerLifetime>();
        return services;
    }

    /// <summary>
    /// Maps the Open Inference Protocol, REST (<c>/v2</c>) and gRPC (<c>inference.GRPCInferenceService</c>), and <c>POST /v2/models/NAME/classify</c>, which takes a JPEG or
    /// PNG and answers its best classes. Health and readiness need no authorization, whatever is required of the rest. gRPC needs HTTP/2: an endpoint with TLS, or one of its own
    /// with <c>HttpProtocols.Http2</c>.
    /// </summary>
    /// <param name="endpoints">The program's endpoints.</param>
    /// <returns>For conventions such as <c>RequireAuthorization</c>.</returns>
    public static IEndpointConventionBuilder MapOpenInference(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        InferenceService service = Service(endpoints);
        service.Models.BeginToLoadAll();
        return new CompositeConventions([RestEndpoints.Map(endpoints, service), OpenInferenceGrpc.Map(endpoints, service)]);
    }

    /// <summary>
    /// Maps the protocol's model repository extension, REST (<c>/v2/repository/index</c>, <c>/v2/repository/models/NAME/load</c> and <c>unload</c>) and gRPC
    /// (<c>RepositoryIndex</c>, <c>RepositoryModelLoad</c>, <c>RepositoryModelUnload</c>). Whoever reaches these can take a model away: require an authorization of its own,
    /// or map them on an address of the cluster alone.
    /// </summary>
    /// <param name="endpoints">The program's endpoints.</param>
    public static IEndpointConventionBuilder MapModelRepository(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        Service(endpoints);
        RepositoryService repository = endpoints.ServiceProvider.GetRequiredService<RepositoryService>();
        return new CompositeConventions([RepositoryEndpoints.Map(endpoints, repository), endpoints.MapGrpcService<ModelRepositoryGrpc>()]);
    }

    private static InferenceService Service(IEndpointRouteBuilder endpoints) =>
        endpoints.ServiceProvider.GetService<InferenceService>()
        ?? throw new InvalidOperationException($"There are no networks to serve: call {nameof(AddConvNets)} on the services first.");

    private sealed class CompositeConventions(IEndpointConventionBuilder[] parts) : IEndpointConventionBuilder
    {
        public void Add(Action<EndpointBuilder> convention)
        {
            foreach (IEndpointConventionBuilder part in parts)
                part.Add(convention);
        }

        public void Finally(Action<EndpointBuilder> finallyConvention)
        {
            foreach (IEndpointConventionBuilder part in parts)
                part.Finally(finallyConvention);
        }
    }
}

/// <summary>Loads the models before the server listens, and drains before it stops.</summary>
internal sealed class ServerLifetime(
    ModelRepository models, InferenceScheduler scheduler, ServerState state, IOptions<ConvNetServerOptions> options, ILogger<ServerLifetime> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken) => models.LoadAllAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        state.IsReady = true;
        return Task.CompletedTask;
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        state.IsReady = false;
        TimeSpan delay = options.Value.DrainDelay;
        Log.Draining(logger, (long)delay.TotalMilliseconds);
        if (delay > TimeSpan.Zero)
            await Task.Delay(delay, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // The server has stopped by now, and with it the last request.
    public Task StoppedAsync(CancellationToken cancellationToken)
    {
        scheduler.Stop();
        Log.Stopped(logger);
        return Task.CompletedTask;
    }
}
