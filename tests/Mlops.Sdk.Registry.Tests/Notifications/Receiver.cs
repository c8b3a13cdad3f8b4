using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mlops.Sdk.Registry.Tests.Notifications;

/// <summary>What a receiver got.</summary>
internal sealed record Received(string Path, string Delivery, string Signature, byte[] Body, DateTimeOffset At)
{
    internal string Text => System.Text.Encoding.UTF8.GetString(Body);
}

/// <summary>A real HTTP receiver on this machine.</summary>
internal sealed class Receiver : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly Func<Received, HttpListenerResponse, Task> _answer;

    internal Receiver(Func<Received, HttpListenerResponse, Task> answer)
    {
        _answer = answer;
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, 0);
            probe.Start();
            Url = $"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}/";
            probe.Stop();
            _listener.Prefixes.Clear();
            _listener.Prefixes.Add(Url);
            try
            {
                _listener.Start();
                break;
            }
            catch (HttpListenerException)
            {
                // another process was given the port meanwhile
            }
        }

        _ = Task.Run(ListenAsync);
    }

    internal string Url { get; }

    internal ConcurrentQueue<Received> All { get; } = [];

    public void Dispose() => _listener.Close();

    private async Task ListenAsync()
    {
        while (_listener.IsListening)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            _ = Task.Run(async () =>
            {
                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                var received = new Received(context.Request.Url!.AbsolutePath, context.Request.Headers[WebhookSignature.DeliveryHeader]!, context.Request.Headers[WebhookSignature.Header]!, body.ToArray(), TimeProvider.System.GetUtcNow());
                All.Enqueue(received);
                try
                {
                    await _answer(received, context.Response);
                    context.Response.Close();
                }
                catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
                {
                    // the sender has gone
                }
            });
        }
    }
}

/// <summary>Answers in memory, for tests with a still clock.</summary>
internal sealed class StubHandler(TimeProvider time, Func<Received, HttpResponseMessage> answer) : HttpMessageHandler
{
    internal ConcurrentQueue<Received> All { get; } = [];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var received = new Received(
            request.RequestUri!.AbsolutePath,
            request.Headers.GetValues(WebhookSignature.DeliveryHeader).Single(),
            request.Headers.GetValues(WebhookSignature.Header).Single(),
            await request.Content!.ReadAsByteArrayAsync(cancellationToken),
            time.GetUtcNow());
        All.Enqueue(received);
        return answer(received);
    }
}

internal sealed class FixedSecrets(string? secret) : IWebhookSecrets
{
    internal string? Secret { get; set; } = secret;

    public ValueTask<string?> FindAsync(string key, CancellationToken cancellationToken = default) => ValueTask.FromResult(Secret);
}
