using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Notifications;

/// <summary>The code of docs/guides/notifications.md.</summary>
public sealed class NotificationSnippets
{
    #region handler
    public sealed class TellTheTeam(ITeamChannel channel) : IRegistryHandler
    {
        public async ValueTask HandleAsync(RegistryEvent happened, CancellationToken cancellationToken)
        {
            string warning = happened.SchemaChange?.Breaking == true ? " Callers must change!" : "";
            await channel.PostAsync(
                $"{happened.Model} {happened.Alias}: {happened.OldVersion} -> {happened.Version} by {happened.By}, because {happened.Reason}.{warning}",
                cancellationToken);
        }
    }
    #endregion

    public interface ITeamChannel
    {
        Task PostAsync(string text, CancellationToken cancellationToken);
    }

    internal static void AddHandler(IMlopsBuilder mlops) =>
        #region add-handler
        mlops.AddRegistryHandler<TellTheTeam>("tell-the-team", handler =>
            handler.Filter = new RegistryEventFilter { Kinds = [RegistryEventKind.AliasMoved], Aliases = ["champion"] });
        #endregion

    internal static void AddSender(IMlopsBuilder mlops) =>
        #region add-webhooks
        mlops.AddWebhooks(webhooks => webhooks.GiveUpAfter = TimeSpan.FromHours(6));
        #endregion

    [Fact]
    public async Task Watching_tells_what_happens()
    {
        await using TestWorkspace workspace = await new TestStore(writersMeet: true).OpenAsync();
        await workspace.RegisterAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "better");
        var events = new RegistryEvents(workspace.Ledger, workspace.Registry);
        using var stop = new CancellationTokenSource();
        List<string> console = [];
        try
        {
            #region watch
            var champions = new RegistryEventFilter { Kinds = [RegistryEventKind.AliasMoved], Models = ["taxi-*"] };
            await foreach (RegistryEvent happened in events.WatchAsync(champions, from: 0, stop.Token))
            {
                console.Add($"{happened.Model} v{happened.Version} by {happened.By}: {happened.Reason}");
                await stop.CancelAsync();
            }
            #endregion
        }
        catch (OperationCanceledException)
        {
            // the end of the watching
        }

        Assert.Equal(["taxi-fare v1 by ada: better"], console);
    }

    [Fact]
    public async Task A_subscription_that_stores_the_number_with_its_result_counts_each_entry_once()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        await workspace.RegisterAsync();
        ILedger ledger = workspace.Ledger;
        IObjectStore objects = store.Store;
        (long Last, int Versions) state = (-1, 0);
        using var stop = new CancellationTokenSource();
        #region subscription
        var subscription = new LedgerSubscription(objects, ledger, new LedgerSubscriptionOptions("version-counter")
        {
            Filter = entry => entry.Kind == LedgerKinds.VersionRegistered,
        });
        Task counting = subscription.RunAsync(
            async (delivery, cancellationToken) =>
            {
                if (delivery.Entry.Number > state.Last) // else it was counted before a crash
                {
                    state = (delivery.Entry.Number, state.Versions + 1); // both together, in your own store
                }

                await stop.CancelAsync();
            },
            stop.Token);
        #endregion
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => counting);
        Assert.Equal((0, 1), state);
    }

    [Fact]
    public async Task A_webhook_is_added_looked_at_and_sent_again()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        StubHandler handler = new(TimeProvider.System, _ => new HttpResponseMessage(System.Net.HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options);
        #region add-target
        await webhooks.AddAsync(
            new WebhookTarget("deploy", "https://ci.example.com/hooks/models", SecretKey: "deploy")
            {
                Filter = new RegistryEventFilter { Kinds = [RegistryEventKind.AliasMoved], Aliases = ["champion"] },
            },
            reason: "roll out new champions");
        #endregion
        await workspace.RegisterAsync();
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "better");
        using WebhookSender sender = new(webhooks, new RegistryEvents(workspace.Ledger, workspace.Registry), new FixedSecrets("0123456789abcdef"), options);
        using var stop = new CancellationTokenSource();
        Task sending = sender.RunAsync(stop.Token);
        while (await webhooks.DeliveriesAsync("deploy").FirstOrDefaultAsync() is not { State: WebhookDeliveryState.Delivered })
        {
            await Task.Yield();
        }

        #region deliveries
        await foreach (WebhookDelivery delivery in webhooks.DeliveriesAsync("deploy"))
        {
            Console.WriteLine($"{delivery.Id} {delivery.Kind} {delivery.State} after {delivery.Attempts} attempts, last: {delivery.Last[^1].Status}");
        }

        await webhooks.RedeliverAsync("deploy", "deploy.2", "the receiver lost it");
        #endregion
        while (handler.All.Count < 2)
        {
            await Task.Yield();
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        Assert.Equal(["deploy.2", "deploy.2"], handler.All.Select(r => r.Delivery));

        WebhookReceiver receiver = new("0123456789abcdef", TimeProvider.System);
        Assert.Equal([200, 200], handler.All.Select(r => receiver.Receive(r.Signature, r.Delivery, r.Body)));
        Assert.Equal(1, receiver.Deployed);
        Assert.Equal(401, receiver.Receive(handler.All.First().Signature, "deploy.2", "{}"u8.ToArray()));
    }

    #region receiver
    public sealed class WebhookReceiver(string secret, TimeProvider time)
    {
        private readonly ConcurrentDictionary<string, bool> _seen = []; // in production: a table with the delivery id as key

        public int Deployed { get; private set; }

        public int Receive(string? signature, string delivery, byte[] body)
        {
            if (WebhookSignature.Verify(secret, signature, body, time.GetUtcNow()) != WebhookVerdict.Good)
            {
                return 401;
            }

            if (_seen.TryAdd(delivery, true)) // the same id again is the same event: answer 200, do nothing
            {
                Deployed++;
            }

            return 200;
        }
    }
    #endregion

    [Fact]
    public void The_lines_that_add_handlers_and_senders_work()
    {
        Builder builder = new();
        AddHandler(builder);
        AddSender(builder);
        Assert.Contains(builder.Services, s => s.ServiceType == typeof(TellTheTeam));
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
