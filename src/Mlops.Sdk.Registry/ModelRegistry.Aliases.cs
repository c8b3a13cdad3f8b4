namespace Mlops.Sdk.Registry;

public sealed partial class ModelRegistry
{
    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">The model's name or the alias breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_alias</c>.</exception>
    public ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, int? expected = null, CancellationToken cancellationToken = default) =>
        MoveAliasAsync(model, alias, version, reason, allowBreaking: false, expected, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">The model's name or the alias breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_alias</c>.</exception>
    public async ValueTask<AliasMove> MoveAliasAsync(string model, string alias, int version, string reason, bool allowBreaking, int? expected = null, CancellationToken cancellationToken = default)
    {
        CheckMove(model, alias, reason);
        return await MoveAsync(
            model,
            alias,
            reason,
            (state, now) => expected is null || expected == now
                ? version > 0 ? version : throw NoVersion(model, version, state)
                : throw Moved(model, alias, expected.Value, now),
            allowBreaking,
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsDataException">The model's name or the alias breaks the rules; code <c>registry.invalid_name</c> or <c>registry.invalid_alias</c>.</exception>
    public async ValueTask<AliasMove> RemoveAliasAsync(string model, string alias, string reason, int? expected = null, CancellationToken cancellationToken = default)
    {
        CheckMove(model, alias, reason);
        return await MoveAsync(
            model,
            alias,
            reason,
            (state, now) => state?.Last(alias) is null
                ? throw new MlopsNotFoundException("registry.alias_not_found", $"Model '{model}' has no alias '{alias}' to remove.")
                : expected is null || expected == now ? 0 : throw Moved(model, alias, expected.Value, now),
            allowBreaking: true,
            cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    /// <exception cref="MlopsNotFoundException">There is no such alias; code <c>registry.alias_not_found</c>.</exception>
    /// <exception cref="MlopsConflictException">The alias named no other version before that may be promoted; code <c>registry.nothing_before</c>.</exception>
    public async ValueTask<AliasMove> RollbackAsync(string model, string alias, string reason, CancellationToken cancellationToken = default)
    {
        CheckMove(model, alias, reason);
        return await MoveAsync(
            model,
            alias,
            reason,
            (state, now) => state?.Aliases.GetValueOrDefault(alias) is { } track
                ? Before(state, track, now) ?? throw new MlopsConflictException("registry.nothing_before", $"Alias '{alias}' of model '{model}' names {Number(now)} and named no other version before that may be promoted now: there is nothing to roll back to. Move it to a version by number.")
                : throw new MlopsNotFoundException("registry.alias_not_found", $"Model '{model}' has no alias '{alias}' to roll back."),
            allowBreaking: true,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The version that the alias named last, other than now, among those that may still be promoted.</summary>
    private int? Before(ModelState state, AliasTrack track, int now)
    {
        for (int i = track.Steps.Count - 1; i >= 0; i--)
        {
            int number = track.Steps[i].To;
            if (number > 0 && number != now && WhyNotPromote(state.Find(number)!, string.Empty) is null)
            {
                return number;
            }
        }

        return null;
    }

    private async ValueTask<AliasMove> MoveAsync(string model, string alias, string reason, Func<ModelState?, int, int> target, bool allowBreaking, CancellationToken cancellationToken)
    {
        // What a refusal would be recorded as: filled in by the decision that was refused.
        LedgerDraft attempt = MoveDraft(new AliasNote(model, alias, null, 0, default), reason);
        Dictionary<(Digest, Digest), string?> breaks = []; // pairs of versions that were compared: what breaks, or null
        while (true)
        {
            (ModelVersion Now, ModelVersion Next)? compare = null;
            LedgerReceipt receipt = await DecideAsync(
                $"model:{model}",
                () => attempt,
                () => _state.Read<IReadOnlyList<LedgerDraft>>(model, state =>
                {
                    compare = null;
                    int now = state?.Named(alias) ?? 0;
                    int to = target(state, now);
                    ModelVersion? next = to == 0 && state is not null ? null : state?.Find(to) ?? throw NoVersion(model, to, state);
                    attempt = MoveDraft(new AliasNote(model, alias, now == 0 ? null : now, to, next?.Digest ?? default), reason);
                    if (next is not null && WhyNotPromote(next, alias) is { } no)
                    {
                        throw no;
                    }

                    if (to == now)
                    {
                        return [];
                    }

                    if (next is null || state!.Find(now) is not { } before || before.Digest == next.Digest)
                    {
                        return [attempt];
                    }

                    if (!breaks.TryGetValue((before.Digest, next.Digest), out string? broken))
                    {
                        compare = (before, next); // manifests are read outside of the decision, which is then asked again
                        return [];
                    }

                    if (broken is not null)
                    {
                        attempt = MoveDraft(new AliasNote(model, alias, now, to, next.Digest) { Breaking = true }, reason);
                        if (_refuseBreaking && !allowBreaking)
                        {
                            throw new MlopsDeniedException("registry.breaking_change", $"{next} would break the callers of {before}, which alias '{alias}' names: {broken} Change the callers, then move the alias with allowBreaking: true and say why.");
                        }
                    }

                    return [attempt];
                }),
                cancellationToken).ConfigureAwait(false);
            if (compare is { } pair)
            {
                breaks[(pair.Now.Digest, pair.Next.Digest)] = await WhatBreaksAsync(pair.Now, pair.Next, cancellationToken).ConfigureAwait(false);
                continue;
            }

            if (receipt.Entries.Count > 0)
            {
                LedgerEntry entry = receipt.Entries[0];
                AliasNote note = LedgerData.Read<AliasNote>(entry);
                return new AliasMove(model, alias, note.From, note.To, entry.Reason, entry.Actor, entry.Time);
            }

            return _state.Read(model, state => state!.Last(alias)!);
        }
    }

    /// <summary>Why a version may not be named by an alias, whatever the alias names now; null when it may.</summary>
    private MlopsDeniedException? WhyNotPromote(ModelVersion version, string alias)
    {
        if (version.Deleted)
        {
            return Gone(version, $"it cannot be named '{alias}'");
        }

        if (version.Status == VersionStatus.Rejected)
        {
            return new MlopsDeniedException("registry.version_rejected", $"{version} was rejected by its gates ('{version.Reason}') and is kept as evidence only: it cannot be named '{alias}'. Register a version that passes.");
        }

        return _lifecycle.Promotable.Contains(version.Stage)
            ? null
            : new MlopsDeniedException("registry.stage_not_promotable", $"{version} is '{version.Stage}' and cannot be named '{alias}' there; {string.Join(", ", _lifecycle.Promotable.Order(StringComparer.Ordinal))} can. Move it to such a stage first; from '{version.Stage}' it can go to: {_lifecycle.Next(version.Stage)}.");
    }

    /// <summary>What breaks for callers between two versions; null for nothing, and when one of them cannot be read, which its loading will tell.</summary>
    private async ValueTask<string?> WhatBreaksAsync(ModelVersion now, ModelVersion next, CancellationToken cancellationToken)
    {
        if (await _schemas.FindAsync(now, cancellationToken).ConfigureAwait(false) is not { } before || await _schemas.FindAsync(next, cancellationToken).ConfigureAwait(false) is not { } after)
        {
            return null;
        }

        SchemaChange[] breaking = [.. SchemaComparison.Compare(before, after).Where(c => c.Breaking)];
        return breaking.Length switch
        {
            0 => null,
            <= 3 => string.Join(' ', breaking.Select(c => c.Message)),
            _ => $"{string.Join(' ', breaking.Take(3).Select(c => c.Message))} And {breaking.Length - 3} more.",
        };
    }

    private static void CheckMove(string model, string alias, string reason)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckAlias(alias);
        RegistryRules.CheckReason(reason);
    }

    private static LedgerDraft MoveDraft(AliasNote note, string reason) => new(
        LedgerKinds.AliasMoved,
        new LedgerResource("model", note.Model, note.To > 0 ? note.To : null, note.Digest.HasValue ? note.Digest : null),
        reason,
        LedgerData.Of(note));

    private static MlopsConflictException Moved(string model, string alias, int expected, int now) => new(
        "registry.alias_moved",
        $"Alias '{alias}' of model '{model}' was expected to name {Number(expected)} and names {Number(now)}. Look at the new state and decide again.");

    private static string Number(int number) => number == 0 ? "no version" : $"version {number}";
}
