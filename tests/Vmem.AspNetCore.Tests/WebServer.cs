using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Vmem.Memory;

namespace Vmem.AspNetCore.Tests;

/// <summary>Kestrel with its own transport and our pool, on the loopback.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private static readonly X509Certificate2 s_certificate = MakeCertificate();

    /// <summary>Only what hangs takes so long: a busy machine may need longer than servers give their clients.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(10);

    private readonly WebApplication _app;

    private WebServer(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public IServiceProvider Services => _app.Services;

    public PinnedMemoryPool<byte> Pool => _app.Services.GetRequiredKeyedService<PinnedMemoryPool<byte>>(VmemWebHost.PoolKey);

    public static async Task<WebServer> StartAsync(HttpProtocols protocols = HttpProtocols.Http1, bool isSecure = false,
        Action<VmemPoolOptions>? configure = null, bool isOurs = true)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore();
        if (isOurs)
        {
            builder.WebHost.UseVmemPool(configure ?? (static _ => { }));
        }

        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            options.Limits.MinResponseDataRate = null;
            options.Limits.RequestHeadersTimeout = s_patience;
            options.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                if (isSecure)
                {
                    _ = listen.UseHttps(s_certificate, static https => https.HandshakeTimeout = s_patience);
                }
            });
        });
        if (isSecure)
        {
            _ = builder.WebHost.UseKestrelHttpsConfiguration();
        }

        builder.Services.AddRoutingCore();
        WebApplication app = builder.Build();
        app.MapGet("/bytes/{count:int}", SendBytesAsync);
        app.MapPost("/echo", EchoAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new WebServer(app);
    }

    public HttpClient NewClient(bool isHttp2, int connections = 32) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = connections,
        SslOptions = { RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null },
    })
    {
        BaseAddress = Address,
        DefaultRequestVersion = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
        DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Timeout = TimeSpan.FromMinutes(2),
    };

    /// <summary>What a request for so many bytes is answered with.</summary>
    public static byte[] BytesOf(int count)
    {
        byte[] bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }

    public async Task StopAsync() => await _app.StopAsync();

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static async Task SendBytesAsync(HttpContext context)
    {
        byte[] bytes = BytesOf(int.Parse((string)context.Request.RouteValues["count"]!, System.Globalization.CultureInfo.InvariantCulture));
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>All of the body is read first: a client sends it before it looks at the answer.</summary>
    private static async Task EchoAsync(HttpContext context)
    {
        using MemoryStream body = new();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        await context.Response.Body.WriteAsync(body.GetBuffer().AsMemory(0, (int)body.Length), context.RequestAborted);
    }

    private static X509Certificate2 MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
