using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Mime;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mlops.Sdk.Registry;

/// <summary>Sends webhooks: one loop for each target, each with its own place in the ledger, so that a slow target holds up only itself. Hosts run it by <c>AddWebhooks</c>.</summary>
public sealed class WebhookSender : IDisposable
{
    private const int MaxResponseBytes = 4096;
    private const int KeptAttempts = 10;
    private readonly Webhooks _webhooks;
    private readonly RegistryEvents _events;
    private readonly IWebhookSecrets _secrets;
    private readonly WebhookOptions _options;
    private readonly IIdGenerator? _ids;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _logger;
    private readonly HttpClient _client;
    private readonly Random _jitter;

    /// <summary>Creates a sender.</summary>
    /// <param name="webhooks">Knows the targets.</param>
    /// <param name="events">Makes events of ledger entries.</param>
    /// <param name="secrets">Knows the secrets.</param>
    /// <param name="options">The options; null for defaults.</param>
    /// <param name="ids">Makes tokens; null for time-ordered ones.</param>
    /// <param name="loggers">Make logs; null for none.</param>
    /// <exception cref="MlopsException">An option is out of its range; code <c>webhook.invalid_option</c>.</exception>
    public WebhookSender(Webhooks webhooks, RegistryEvents events, IWebhookSecrets secrets, WebhookOptions? options = null, IIdGenerator? ids = null, ILoggerFactory? loggers = null)
    {
        ArgumentNullException.ThrowIfNull(webhooks);
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(secrets);
        (_webhooks, _events, _secrets, _options, _ids) = (webhooks, events, secrets, (options ?? new WebhookOptions()).Checked(), ids);
        _loggers = loggers ?? NullLoggerFactory.Instance;
        _logger = _loggers.CreateLogger<WebhookSender>();
        _client = new HttpClient(_options.CreateHandler?.Invoke() ?? WebhookAddress.CreateHandler(_options)) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        _jitter = new Random(HashCode.Combine(Environment.ProcessId, webhooks.Time.GetTimestamp()));
    }

    private TimeProvider Time => _webhooks.Time;

    /// <summary>Sends until it is told to stop. Targets that are added, removed, paused or resumed meanwhile, by any process, are heeded.</summary>
    /// <param name="cancellationToken">Ends the sending; places are saved.</param>
    /// <returns>A task that ends, as cancelled, when the token is.</returns>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _webhooks.AttachAsync(cancellationToken).ConfigureAwait(false);
        Dictionary<long, (Task Work, CancellationTokenSource Stop)> running = [];
        try
        {
            LedgerHead head = await _webhooks.Ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
            await ReconcileAsync(running, cancellationToken).ConfigureAwait(false);
            await foreach (LedgerEntry entry in _webhooks.Ledger.FollowAsync(head.Entries, cancellationToken).ConfigureAwait(false))
            {
                if (entry.Resource.Kind == "webhook" && entry.Kind is WebhookKinds.Added or WebhookKinds.Removed or WebhookKinds.Paused or WebhookKinds.Resumed)
                {
                    await ReconcileAsync(running, cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            foreach (long added in running.Keys.ToArray())
            {
                await StopAsync(running, added).ConfigureAwait(false);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    /// <summary>Starts what should run and stops what should not. A target is known by the entry that added it: one that was removed and added again is another.</summary>
    private async ValueTask ReconcileAsync(Dictionary<long, (Task Work, CancellationTokenSource Stop)> running, CancellationToken cancellationToken)
    {
        Dictionary<long, WebhookInfo> wanted = _webhooks.Book.Targets.Values.Where(t => !t.Paused).ToDictionary(t => t.Added);
        foreach (long added in running.Keys.Where(k => !wanted.ContainsKey(k)).ToArray())
        {
            await StopAsync(running, added).ConfigureAwait(false);
        }

        foreach (WebhookInfo info in wanted.Values.Where(w => !running.ContainsKey(w.Added)))
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            CancellationToken token = stop.Token;
            running.Add(info.Added, (Task.Run(() => RunTargetAsync(info, token), CancellationToken.None), stop));
        }
    }

    private static async ValueTask StopAsync(Dictionary<long, (Task Work, CancellationTokenSource Stop)> running, long added)
    {
        (Task work, CancellationTokenSource stop) = running[added];
        running.Remove(added);
        await stop.CancelAsync().ConfigureAwait(false);
        await work.ConfigureAwait(false);
        stop.Dispose();
    }

    private async Task RunTargetAsync(WebhookInfo info, CancellationToken stop)
    {
        WebhookTarget target = info.Target;
        for (int failures = 1; !stop.IsCancellationRequested; failures++)
        {
            try
            {
                DeliveryHistory history = new(_webhooks.Store, target.Name, _options.KeptDeliveries);
                LedgerSubscription subscription = new(
                    _webhooks.Store,
                    _webhooks.Ledger,
                    new LedgerSubscriptionOptions($"webhook-{target.Name}")
                    {
                        From = info.Added + 1,
                        Filter = entry => entry.Number > info.Added && IsFor(target, entry),
                        SaveEvery = 1,
                        Lease = _options.Lease,
                        RetryDelay = _options.RetryDelay,
                        MaxRetryDelay = _options.MaxRetryDelay > _options.RetryDelay ? _options.MaxRetryDelay : _options.RetryDelay,
                    },
                    Time,
                    _ids,
                    _loggers.CreateLogger<LedgerSubscription>());
                await subscription.RunAsync((delivery, cancellation) => HandleAsync(target, history, delivery.Entry, cancellation), stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (NoteEnd(target.Name, error))
            {
                await Task.Delay(Backoff(failures), Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool NoteEnd(string name, Exception error)
    {
        NotificationLog.TargetEnded(_logger, error, name);
        return true;
    }

    private static bool IsFor(WebhookTarget target, LedgerEntry entry) => entry.Kind == WebhookKinds.Redelivery
        ? entry.Resource.Kind == "webhook" && entry.Resource.Name == target.Name && entry.Outcome == LedgerOutcome.Done
        : EventDraft.Happened(entry) && EventDraft.Of(entry) is { } draft && target.Filter.Matches(draft.Kind, draft.Model, draft.Alias);

    private async ValueTask HandleAsync(WebhookTarget target, DeliveryHistory history, LedgerEntry entry, CancellationToken cancellationToken)
    {
        RegistryEvent? happened = entry.Kind == WebhookKinds.Redelivery
            ? await FindAgainAsync(target, entry, cancellationToken).ConfigureAwait(false)
            : await _events.ReadAsync(entry, target.Filter, cancellationToken).ConfigureAwait(false);
        if (happened is not null)
        {
            await DeliverAsync(target, history, happened, entry.Number, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Reads the event that is to be sent again; null when the request names none.</summary>
    private async ValueTask<RegistryEvent?> FindAgainAsync(WebhookTarget target, LedgerEntry request, CancellationToken cancellationToken)
    {
        if (WebhookBook.TryRead(request.Data, WebhookJson.Default.RedeliveryNote) is { } note && note.Number >= 0 && note.Number < request.Number)
        {
            await foreach (LedgerEntry entry in _webhooks.Ledger.ReadAsync(note.Number, cancellationToken).ConfigureAwait(false))
            {
                return await _events.ReadAsync(entry, target.Filter, cancellationToken).ConfigureAwait(false);
            }
        }

        return null;
    }

    /// <summary>Tries until the receiver has it, refuses it for good, or the time is over.</summary>
    private async ValueTask DeliverAsync(WebhookTarget target, DeliveryHistory history, RegistryEvent happened, long cause, CancellationToken cancellationToken)
    {
        string id = DeliveryId.Of(target.Name, happened.Number);
        byte[] body = WebhookPayload.Write(happened, id);
        WebhookDelivery delivery = await TryFindAsync(target, history, id, cause, cancellationToken).ConfigureAwait(false)
            ?? new WebhookDelivery(id, cause, happened.Id, happened.Number, happened.Kind, happened.Model, WebhookDeliveryState.Trying, 0, Time.GetUtcNow());
        while (delivery.State == WebhookDeliveryState.Trying)
        {
            Outcome outcome = await TryAsync(target, id, body, cancellationToken).ConfigureAwait(false);
            DateTimeOffset now = Time.GetUtcNow();
            TimeSpan wait = Wait(delivery.Attempts + 1, outcome.RetryAfter);
            bool over = outcome.Permanent || now + wait - delivery.First > _options.GiveUpAfter;
            delivery = delivery with
            {
                Attempts = delivery.Attempts + 1,
                State = outcome.Attempt.Problem is null ? WebhookDeliveryState.Delivered : over ? WebhookDeliveryState.DeadLetter : WebhookDeliveryState.Trying,
                Next = outcome.Attempt.Problem is null || over ? null : now + wait,
                Last = [.. delivery.Last.TakeLast(KeptAttempts - 1), outcome.Attempt],
            };
            if (delivery.State == WebhookDeliveryState.DeadLetter)
            {
                await TellDeadAsync(target, delivery, outcome.Attempt).ConfigureAwait(false); // first the ledger: what is not sent must not be lost silently
            }

            await KeepAsync(target, history, delivery).ConfigureAwait(false);
            if (delivery.State == WebhookDeliveryState.Trying)
            {
                NotificationLog.DeliveryFailed(_logger, target.Name, id, delivery.Attempts, outcome.Attempt.Problem!);
                await Task.Delay(wait, Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private async ValueTask<Outcome> TryAsync(WebhookTarget target, string id, byte[] body, CancellationToken cancellationToken)
    {
        DateTimeOffset now = Time.GetUtcNow();
        long start = Time.GetTimestamp();
        string? secret = await _secrets.FindAsync(target.SecretKey, cancellationToken).ConfigureAwait(false);
        if (secret is null or { Length: < 16 })
        {
            return new Outcome(new WebhookAttempt(now, 0, null, $"There is no secret '{target.SecretKey}' of at least 16 characters here; nothing is sent unsigned."), false, null);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var clock = new CancellationTokenSource(target.Timeout ?? _options.Timeout, Time);
        using CancellationTokenRegistration link = clock.Token.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), limit);
        WebhookAttempt Attempt(int? status, string? problem) => new(now, Math.Round(Time.GetElapsedTime(start).TotalMilliseconds, 1), status, problem);
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Post, WebhookAddress.Check(target.Url, _options)) { Content = new ByteArrayContent(body) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(MediaTypeNames.Application.Json);
            request.Headers.TryAddWithoutValidation(WebhookSignature.DeliveryHeader, id);
            request.Headers.TryAddWithoutValidation(WebhookSignature.Header, WebhookSignature.Sign(secret, now, body));
            request.Headers.UserAgent.Add(new ProductInfoHeaderValue("Mlops.Sdk", "1"));
            using HttpResponseMessage response = await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            await DrainAsync(response, limit.Token).ConfigureAwait(false);
            int status = (int)response.StatusCode;
            return status switch
            {
                >= 200 and < 300 => new Outcome(Attempt(status, null), false, null),
                >= 300 and < 400 => new Outcome(Attempt(status, $"The receiver answered {status}; redirects are not followed. Give its present address."), true, null),
                408 or 425 or 429 or >= 500 => new Outcome(Attempt(status, $"The receiver answered {status}."), false, RetryAfter(response, Time.GetUtcNow())),
                _ => new Outcome(Attempt(status, $"The receiver answered {status}, which trying again does not change."), true, null),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Outcome(Attempt(null, $"The receiver gave no answer within {(target.Timeout ?? _options.Timeout).TotalMilliseconds.ToString(CultureInfo.InvariantCulture)} ms."), false, null);
        }
        catch (MlopsDataException error)
        {
            return new Outcome(Attempt(null, error.Message), false, null); // another host, or this one after a change of its options, may
        }
        catch (Exception error) when (error is HttpRequestException or IOException)
        {
            return new Outcome(Attempt(null, error.GetBaseException() is AddressRefusedException refused ? $"The address is refused: {refused.Message}." : $"The receiver could not be reached ({(error as HttpRequestException)?.HttpRequestError.ToString() ?? error.GetType().Name})."), false, null);
        }
    }

    /// <summary>Reads a little of the answer so that the connection can be used again; nothing of it is kept.</summary>
    private static async ValueTask DrainAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            byte[] buffer = new byte[MaxResponseBytes];
            try
            {
                await stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is IOException or HttpRequestException or OperationCanceledException)
            {
                // the status is there already: what the receiver says besides does not matter
            }
        }
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, DateTimeOffset now) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > now => date - now,
        _ => null,
    };

    private TimeSpan Wait(int attempt, TimeSpan? asked)
    {
        TimeSpan wait = Backoff(attempt);
        return asked > wait ? (asked < _options.MaxRetryDelay ? asked.Value : _options.MaxRetryDelay) : wait;
    }

    private TimeSpan Backoff(int attempt)
    {
        double ticks = Math.Min(_options.RetryDelay.Ticks * Math.Pow(2, Math.Min(attempt - 1, 40)), _options.MaxRetryDelay.Ticks);
        lock (_jitter)
        {
            return TimeSpan.FromTicks((long)(ticks * (0.5 + (_jitter.NextDouble() / 2))) + 1);
        }
    }

    private async ValueTask<WebhookDelivery?> TryFindAsync(WebhookTarget target, DeliveryHistory history, string id, long cause, CancellationToken cancellationToken)
    {
        try
        {
            return await history.FindAsync(id, cause, cancellationToken).ConfigureAwait(false);
        }
        catch (MlopsException error) when (error is MlopsStorageException or MlopsIntegrityException)
        {
            NotificationLog.HistoryFailed(_logger, error, target.Name);
            return null;
        }
    }

    /// <summary>Writes down what came of an attempt, also while the sender is being stopped: the receiver has it, and a later start should know.</summary>
    private async ValueTask KeepAsync(WebhookTarget target, DeliveryHistory history, WebhookDelivery delivery)
    {
        try
        {
            await history.PutAsync(delivery, CancellationToken.None).ConfigureAwait(false);
        }
        catch (MlopsException error) when (error is MlopsStorageException or MlopsIntegrityException)
        {
            NotificationLog.HistoryFailed(_logger, error, target.Name);
        }
    }

    private async ValueTask TellDeadAsync(WebhookTarget target, WebhookDelivery delivery, WebhookAttempt last)
    {
        DeadLetterNote note = new(target.Name, delivery.Id, delivery.Number, delivery.Attempts, delivery.First, last.Status, last.Problem!);
        await _webhooks.Ledger.AppendAsync(
            [
                new LedgerDraft(
                    WebhookKinds.DeadLetter,
                    new LedgerResource("webhook", target.Name),
                    RegistryRules.ToReason($"Delivery {delivery.Id} was given up after {delivery.Attempts} attempts: {last.Problem}"),
                    JsonSerializer.SerializeToElement(note, WebhookJson.Default.DeadLetterNote))
                {
                    Outcome = LedgerOutcome.Failed,
                    Actor = Actor.System,
                },
            ],
            CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>What an attempt came to.</summary>
    private readonly record struct Outcome(WebhookAttempt Attempt, bool Permanent, TimeSpan? RetryAfter);
}

/// <summary>Sends in the background of a host.</summary>
internal sealed class WebhookService(WebhookSender sender) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.Run(
        async () =>
        {
            try
            {
                await sender.RunAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                // the host stops
            }
        },
        stoppingToken);
}
