using System.Security.Claims;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace EfficientConv.Dsl.Serving;

/// <summary>The keys that clients may have. A request carries one as <c>X-Api-Key: KEY</c> or <c>Authorization: Bearer KEY</c>, in gRPC as metadata of the same names.</summary>
public sealed class ApiKeyOptions : AuthenticationSchemeOptions
{
    /// <summary>The keys.</summary>
    public IList<string> Keys { get; } = [];

    /// <summary>A file with a key a line, for a secret that is mounted; read when the program starts.</summary>
    public string? KeysPath { get; set; }
}

/// <summary>Authentication by API key.</summary>
public static class ApiKeys
{
    /// <summary>The name of the scheme.</summary>
    public const string Scheme = "ApiKey";

    /// <summary>Adds the scheme; <c>RequireAuthorization</c> on <see cref="ConvNetServing.MapOpenInference"/> then asks for a key.</summary>
    /// <param name="builder">What <c>AddAuthentication</c> returned.</param>
    /// <param name="configure">Sets the keys.</param>
    public static AuthenticationBuilder AddApiKeys(this AuthenticationBuilder builder, Action<ApiKeyOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddOptions<ApiKeyOptions>(Scheme).Validate(
            options => options.KeysPath is not null || options.Keys.Any(key => key.Length > 0), "There is no API key: set Keys or KeysPath, or require no authorization.");
        builder.Services.AddSingleton<ApiKeyHashes>();
        return builder.AddScheme<ApiKeyOptions, ApiKeyHandler>(Scheme, configure);
    }
}

/// <summary>Compares keys by their hashes, in a time that tells nothing of them.</summary>
internal sealed class ApiKeyHandler(IOptionsMonitor<ApiKeyOptions> options, ILoggerFactory logger, UrlEncoder encoder, ApiKeyHashes hashes)
    : AuthenticationHandler<ApiKeyOptions>(options, logger, encoder)
{
    private const string Bearer = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        string? key = Request.Headers["X-Api-Key"];
        if (key is null && Request.Headers.Authorization.ToString() is { } header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            key = header[Bearer.Length..].Trim();
        if (string.IsNullOrEmpty(key))
            return Task.FromResult(AuthenticateResult.NoResult());
        if (!hashes.Contains(Options, key))
            return Task.FromResult(AuthenticateResult.Fail("unknown key"));
        ClaimsPrincipal user = new(new ClaimsIdentity(Scheme.Name));
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(user, Scheme.Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return JsonModels.WriteAsync(
            Context, StatusCodes.Status401Unauthorized, new ErrorMessage("an API key is needed: X-Api-Key: KEY, or Authorization: Bearer KEY"), JsonModels.Default.ErrorMessage);
    }
}

/// <summary>Hashes of the keys, made once.</summary>
internal sealed class ApiKeyHashes
{
    private byte[][]? _hashes;

    public bool Contains(ApiKeyOptions options, string key)
    {
        byte[] hash = Hash(key);
        bool isFound = false;
        foreach (byte[] known in _hashes ??= [.. Keys(options).Select(Hash)])
            isFound |= CryptographicOperations.FixedTimeEquals(hash, known);
        return isFound;
    }

    private static IEnumerable<string> Keys(ApiKeyOptions options)
    {
        IEnumerable<string> keys = options.KeysPath is { } path ? options.Keys.Concat(File.ReadLines(path)) : options.Keys;
        return keys.Select(key => key.Trim()).Where(key => key.Length > 0);
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
