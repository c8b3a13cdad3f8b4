using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Mlops.Sdk.Registry;

/// <summary>Sets up which addresses are told of events, and shows what was delivered. Thread-safe.</summary>
/// <remarks>Targets stand on the ledger, so every process on the store knows them; hosts with <c>AddWebhooks</c> send, one of them for each target at a time.</remarks>
public sealed class Webhooks
{
    private const int MaxTargets = 1_000;
    private const int MaxFilter = 1_000;
    private readonly WebhookOptions _options;
    private volatile bool _attached;

    internal Webhooks(IObjectStore store, ILedger ledger, WebhookOptions options, TimeProvider? time)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(ledger);
        (Store, Ledger, _options, Time) = (store, ledger, options, time ?? TimeProvider.System);
    }

    internal IObjectStore Store { get; }

    internal ILedger Ledger { get; }

    internal TimeProvider Time { get; }

    internal WebhookBook Book { get; } = new();

    /// <summary>Makes the service without a container.</summary>
    /// <param name="store">The store; deliveries are kept under <c>webhooks/</c>.</param>
    /// <param name="ledger">The ledger, open; not disposed.</param>
    /// <param name="options">The options; null for defaults.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <returns>The service.</returns>
    public static Webhooks Create(IObjectStore store, ILedger ledger, WebhookOptions? options = null, TimeProvider? time = null) =>
        new(store, ledger, options ?? new WebhookOptions(), time);

    /// <summary>Adds a target. Events after this entry are sent to it.</summary>
    /// <param name="target">The target.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The target as the ledger knows it.</returns>
    /// <exception cref="MlopsDataException">A part breaks the rules; code <c>webhook.invalid_target</c>, or <c>webhook.invalid_address</c> for the address.</exception>
    /// <exception cref="MlopsConflictException">There is a target of this name; code <c>webhook.exists</c>.</exception>
    public async ValueTask<WebhookInfo> AddAsync(WebhookTarget target, string reason, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        Check(target);
        WebhookAddress.Check(target.Url, _options);
        await DecideAsync(
            target.Name,
            () => Book.Targets.ContainsKey(target.Name)
                ? throw new MlopsConflictException("webhook.exists", $"There is a webhook '{target.Name}' already. Remove it first, or choose another name.")
                : Book.Targets.Count >= MaxTargets
                    ? throw Invalid($"a workspace has at most {MaxTargets} webhooks")
                    : Draft(WebhookKinds.Added, target.Name, reason, JsonSerializer.SerializeToElement(WebhookNote.Of(target), WebhookJson.Default.WebhookNote)),
            cancellationToken).ConfigureAwait(false);
        return Book.Targets.TryGetValue(target.Name, out WebhookInfo? added) ? added : throw NotThere(target.Name);
    }

    /// <summary>Removes a target. A delivery under way is given up.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is on the ledger.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such target; code <c>webhook.not_found</c>.</exception>
    public ValueTask RemoveAsync(string name, string reason, CancellationToken cancellationToken = default) => ChangeAsync(WebhookKinds.Removed, name, reason, _ => true, cancellationToken);

    /// <summary>Pauses a target: nothing is sent, and what happens meanwhile waits. Pausing it again changes nothing.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is on the ledger.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such target; code <c>webhook.not_found</c>.</exception>
    public ValueTask PauseAsync(string name, string reason, CancellationToken cancellationToken = default) => ChangeAsync(WebhookKinds.Paused, name, reason, i => !i.Paused, cancellationToken);

    /// <summary>Resumes a paused target: what happened meanwhile is sent.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when it is on the ledger.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such target; code <c>webhook.not_found</c>.</exception>
    public ValueTask ResumeAsync(string name, string reason, CancellationToken cancellationToken = default) => ChangeAsync(WebhookKinds.Resumed, name, reason, i => i.Paused, cancellationToken);

    /// <summary>Lists the targets.</summary>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The targets by name.</returns>
    public async ValueTask<IReadOnlyList<WebhookInfo>> ListAsync(CancellationToken cancellationToken = default)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await Ledger.RefreshAsync(cancellationToken).ConfigureAwait(false);
        return [.. Book.Targets.Values];
    }

    /// <summary>Reads the deliveries of a target, newest first; older ones than the options keep are gone.</summary>
    /// <param name="name">The target's name; also of one that was removed.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>The deliveries.</returns>
    /// <exception cref="MlopsIntegrityException">A page does not read (<c>webhook.unreadable_history</c>) or is of a newer format (<c>webhook.newer_format</c>).</exception>
    public async IAsyncEnumerable<WebhookDelivery> DeliveriesAsync(string name, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        CheckName(name);
        DeliveryHistory history = new(Store, name, _options.KeptDeliveries);
        foreach (int page in (await history.PagesAsync(cancellationToken).ConfigureAwait(false)).Reverse())
        {
            foreach (WebhookDelivery delivery in (await history.ReadAsync(page, cancellationToken).ConfigureAwait(false)).Reverse())
            {
                yield return delivery;
            }
        }
    }

    /// <summary>Asks for a delivery again, with the same id. A host sends it after what waits already.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="delivery">The delivery's id.</param>
    /// <param name="reason">Why; not blank.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>A task that ends when the request is on the ledger.</returns>
    /// <exception cref="MlopsNotFoundException">There is no such target (<c>webhook.not_found</c>), or no delivery of it has this id (<c>webhook.delivery_not_found</c>).</exception>
    public async ValueTask RedeliverAsync(string name, string delivery, string reason, CancellationToken cancellationToken = default)
    {
        CheckName(name);
        ArgumentNullException.ThrowIfNull(delivery);
        if (DeliveryId.NumberOf(name, delivery) is not { } number)
        {
            throw new MlopsNotFoundException("webhook.delivery_not_found", $"{RegistryRules.Show(delivery)} is no delivery of webhook '{name}'. Ids are shown by {nameof(DeliveriesAsync)}.");
        }

        await DecideAsync(
            name,
            () => !Book.Targets.TryGetValue(name, out WebhookInfo? there)
                ? throw NotThere(name)
                : number <= there.Added || number >= Ledger.Head.Entries
                    ? throw new MlopsNotFoundException("webhook.delivery_not_found", $"Webhook '{name}' is sent events after entry {there.Added}; {RegistryRules.Show(delivery)} is none of them.")
                    : Draft(WebhookKinds.Redelivery, name, reason, JsonSerializer.SerializeToElement(new RedeliveryNote(name, delivery, number), WebhookJson.Default.RedeliveryNote)),
            cancellationToken).ConfigureAwait(false);
    }

    internal async ValueTask AttachAsync(CancellationToken cancellationToken)
    {
        if (!_attached)
        {
            await Ledger.AttachAsync(Book, cancellationToken).ConfigureAwait(false);
            _attached = true;
        }
    }

    internal static bool IsName(string? name) => name is { Length: >= 1 and <= 56 } && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-');

    private async ValueTask ChangeAsync(string kind, string name, string reason, Func<WebhookInfo, bool> changes, CancellationToken cancellationToken)
    {
        CheckName(name);
        await DecideAsync(
            name,
            () => !Book.Targets.TryGetValue(name, out WebhookInfo? there)
                ? throw NotThere(name)
                : changes(there) ? Draft(kind, name, reason, JsonSerializer.SerializeToElement(new WebhookNameNote(name), WebhookJson.Default.WebhookNameNote)) : null,
            cancellationToken).ConfigureAwait(false);
    }

    private async ValueTask DecideAsync(string name, Func<LedgerDraft?> decide, CancellationToken cancellationToken)
    {
        await AttachAsync(cancellationToken).ConfigureAwait(false);
        await Ledger.AppendAsync($"webhook:{name}", () => decide() is { } draft ? [draft] : [], cancellationToken).ConfigureAwait(false);
    }

    private static LedgerDraft Draft(string kind, string name, string reason, JsonElement data)
    {
        RegistryRules.CheckReason(reason);
        return new LedgerDraft(kind, new LedgerResource("webhook", name), reason, data);
    }

    private static void CheckName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!IsName(name))
        {
            throw Invalid($"the name is 1 to 56 of 'a-z', '0-9' and '-', found {RegistryRules.Show(name)}");
        }
    }

    private static void Check(WebhookTarget target)
    {
        CheckName(target.Name);
        Require(target.SecretKey is { Length: >= 1 and <= 64 } && target.SecretKey.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'), $"the secret's key name is 1 to 64 letters, digits, '-', '_' and '.', found {RegistryRules.Show(target.SecretKey)}");
        Require(target.Timeout is null || (target.Timeout >= TimeSpan.FromMilliseconds(100) && target.Timeout <= TimeSpan.FromMinutes(5)), "the timeout is from 100 ms to 5 minutes");
        Require(target.Filter is { Kinds.Count: <= MaxFilter, Models.Count: <= MaxFilter, Aliases.Count: <= MaxFilter }, $"a filter has at most {MaxFilter} kinds, models and aliases");
        Require(target.Filter.Kinds.All(Enum.IsDefined), "the filter's kinds are known ones");
        Require(target.Filter.Models.All(m => m is not null && (m == "*" || RegistryRules.IsName(m.TrimEnd('*')))), "the filter's models are names of models, or their start and '*'");
        Require(target.Filter.Aliases.All(RegistryRules.IsAlias), "the filter's aliases are names of aliases");
    }

    private static void Require(bool holds, string rule)
    {
        if (!holds)
        {
            throw Invalid(rule);
        }
    }

    private static MlopsDataException Invalid(string rule) => new("webhook.invalid_target", $"The webhook breaks a rule: {rule}. Nothing was written.");

    private static MlopsNotFoundException NotThere(string name) => new("webhook.not_found", $"There is no webhook '{name}'.");
}

/// <summary>Ids of deliveries: the target's name and the number of the event's entry, so that a sender that comes after a crash makes the same one.</summary>
internal static class DeliveryId
{
    internal static string Of(string target, long number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{target}.{number}");

    internal static long? NumberOf(string target, string id) =>
        id.Length <= 80 && id.StartsWith(target + ".", StringComparison.Ordinal)
        && long.TryParse(id.AsSpan(target.Length + 1), System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out long number) && Of(target, number) == id ? number : null;
}
