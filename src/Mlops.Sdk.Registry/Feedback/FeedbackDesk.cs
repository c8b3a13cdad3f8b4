namespace Mlops.Sdk.Registry;

/// <summary>Writes what people ask for and think of models, and reads it from the catalog's facts.</summary>
internal sealed class FeedbackDesk(ILedger ledger, CatalogView view, IActorAccessor? actors)
{
    internal async ValueTask<AccessRequest> RequestAsync(string model, string reason, CancellationToken cancellationToken)
    {
        RegistryRules.CheckModelName(model);
        RegistryRules.CheckComment(reason);
        await view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        Actor? actor = actors?.Current;
        LedgerDraft draft = Draft(LedgerKinds.AccessRequested, model, reason, new AccessRequestNote(model), actor);
        AccessRequest? there = null;
        LedgerReceipt receipt = await AppendAsync(model, draft, state =>
        {
            Feedback feedback = state.Registered(model).Feedback;
            there = actor is not null && feedback.RequestOf(Feedback.PersonOf(actor)) is { Answer: null } open && open.Reason == reason ? open : null;
            return there is null;
        }, cancellationToken).ConfigureAwait(false);
        if (there is not null)
        {
            return there;
        }

        LedgerEntry entry = receipt.Entries[0];
        return new AccessRequest(entry.Id, entry.Number, model, entry.Actor, entry.Time.ToUniversalTime(), entry.Reason);
    }

    internal async ValueTask<AccessRequest> AnswerAsync(string requestId, bool granted, string reason, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(requestId);
        RegistryRules.CheckComment(reason);
        await view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        Actor? actor = actors?.Current;
        AccessRequest request = view.State.Read(() => Find(requestId));
        LedgerDraft draft = Draft(LedgerKinds.AccessAnswered, request.Model, reason, new AccessAnswerNote(request.Model, requestId, granted), actor);
        LedgerReceipt receipt = await AppendAsync(request.Model, draft, state =>
        {
            state.Registered(request.Model);
            request = Find(requestId);
            if (request.Answer is not { } answer)
            {
                return actor is null || !granted || !Feedback.IsSelf(request.By, actor) ? true : throw SelfGranted(request, "Nothing was granted");
            }

            return answer.Granted == granted && answer.Reason == reason && (actor is null || Feedback.PersonOf(actor) == Feedback.PersonOf(answer.By))
                ? false
                : throw new MlopsConflictException("catalog.request_answered", $"Request {RegistryRules.Show(requestId)} of {request.By} for model '{request.Model}' was {(answer.Granted ? "granted" : "refused")} by {answer.By} in entry {answer.Entry}. An answer stands; whoever asked may ask again.");
        }, cancellationToken).ConfigureAwait(false);
        if (receipt.Entries.Count == 0)
        {
            return request;
        }

        LedgerEntry entry = receipt.Entries[0];
        return granted && Feedback.IsSelf(request.By, entry.Actor)
            ? throw SelfGranted(request, $"Entry {entry.Number} counts for nothing") // the ledger knew who acts, and this view was not told
            : request with { Answer = new AccessAnswer(granted, entry.Number, entry.Actor, entry.Time.ToUniversalTime(), entry.Reason) };
    }

    internal async ValueTask<IReadOnlyList<AccessRequest>> RequestsAsync(string? model, bool openOnly, CancellationToken cancellationToken)
    {
        if (model is not null)
        {
            RegistryRules.CheckModelName(model);
        }

        await view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return view.State.Read<AccessRequest[]>(() =>
        {
            IEnumerable<ModelFacts> models = model is null ? view.State.Models : [view.State.Registered(model)];
            return [.. models.SelectMany(m => m.Feedback.Requests).Select(r => r.Value).Where(r => !openOnly || r.Answer is null).OrderBy(r => r.Entry)];
        });
    }

    internal async ValueTask<RatingSummary> RateAsync(string model, int stars, string reason, CancellationToken cancellationToken)
    {
        RegistryRules.CheckModelName(model);
        if (stars is < 1 or > RatingSummary.MostStars)
        {
            throw new MlopsDataException("catalog.invalid_rating", $"A rating is 1 to {RatingSummary.MostStars} stars; found {stars}.");
        }

        RegistryRules.CheckComment(reason);
        await view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        Actor? actor = actors?.Current;
        LedgerDraft draft = Draft(LedgerKinds.ModelRated, model, reason, new RatingNote(model, stars), actor);
        await AppendAsync(model, draft, state =>
        {
            Feedback feedback = state.Registered(model).Feedback;
            return actor is null || feedback.RatingOf(Feedback.PersonOf(actor)) is not { } before || before.Stars != stars || before.Reason != reason;
        }, cancellationToken).ConfigureAwait(false);
        return view.State.Read(() => view.State.Registered(model).Feedback.Summary!);
    }

    internal async ValueTask<ModelRatings> RatingsAsync(string model, CancellationToken cancellationToken)
    {
        RegistryRules.CheckModelName(model);
        await view.CatchUpAsync(cancellationToken).ConfigureAwait(false);
        return view.State.Read(() =>
        {
            Feedback feedback = view.State.Registered(model).Feedback;
            return new ModelRatings(feedback.Summary, [.. feedback.Stars], [.. feedback.Ratings.Select(r => r.Value).OrderByDescending(r => r.Entry)]);
        });
    }

    private AccessRequest Find(string requestId) => view.State.FindRequest(requestId) ?? throw new MlopsNotFoundException(
        "catalog.request_not_found",
        $"There is no request {RegistryRules.Show(requestId)} for access, or whoever asked has asked again since. {nameof(ModelDiscovery.AccessRequestsAsync)} lists those that stand.");

    private static MlopsDeniedException SelfGranted(AccessRequest request, string so) =>
        new("catalog.self_granted", $"Access to model '{request.Model}' was asked for by {request.By}, who cannot grant it. {so}; somebody else has to answer.");

    private static LedgerDraft Draft<T>(string kind, string model, string reason, T note, Actor? actor) => new(kind, new LedgerResource("model", model), reason, LedgerData.Of(note)) { Actor = actor };

    private ValueTask<LedgerReceipt> AppendAsync(string model, LedgerDraft draft, Func<CatalogState, bool> decide, CancellationToken cancellationToken) =>
        RecordedAppend.AppendAsync(ledger, $"model:{model}", draft, () => view.State.Read<IReadOnlyList<LedgerDraft>>(() => decide(view.State) ? [draft] : []), cancellationToken);
}
