namespace Mlops.Sdk.Registry;

/// <summary>What people think of one model and ask for: one rating and one request a person, the last of each. Used under the lock of the catalog's state.</summary>
internal sealed class Feedback
{
    private readonly List<KeyValuePair<string, ModelRating>> _ratings = [];
    private readonly List<KeyValuePair<string, AccessRequest>> _requests = [];
    private readonly int[] _stars = new int[RatingSummary.MostStars];

    internal IReadOnlyList<KeyValuePair<string, ModelRating>> Ratings => _ratings;

    internal IReadOnlyList<KeyValuePair<string, AccessRequest>> Requests => _requests;

    internal IReadOnlyList<int> Stars => _stars;

    /// <summary>Gets how many requests have no answer.</summary>
    internal int Open { get; private set; }

    internal RatingSummary? Summary { get; private set; }

    internal bool IsEmpty => _ratings.Count == 0 && _requests.Count == 0;

    /// <summary>Names the person behind an actor, who counts once whatever program was used: whom it acts for, or itself, without regard to letter case.</summary>
    internal static string PersonOf(Actor actor) => Name(string.IsNullOrWhiteSpace(actor.OnBehalfOf) ? actor.Id : actor.OnBehalfOf);

    /// <summary>Whether whoever answers is who asked: the same person, the person under the other's name, or the program that asked for somebody.</summary>
    internal static bool IsSelf(Actor asked, Actor answers) =>
        PersonOf(asked) == PersonOf(answers) || Name(answers.Id) == PersonOf(asked) || (answers.OnBehalfOf is null && Name(answers.Id) == Name(asked.Id));

    /// <summary>Whether an entry can be kept as it is: it tells who wrote it.</summary>
    internal static bool Counts(LedgerEntry entry) => PersonOf(entry.Actor).Length > 0 && Enum.IsDefined(entry.Actor.Kind);

    internal AccessRequest? RequestOf(string person) => Pairs.Find(_requests, person, out AccessRequest? request) ? request : null;

    internal ModelRating? RatingOf(string person) => Pairs.Find(_ratings, person, out ModelRating? rating) ? rating : null;

    internal void Ask(string person, LedgerEntry entry, string model)
    {
        Open += RequestOf(person) is { Answer: null } ? 0 : 1;
        Pairs.Set(_requests, person, new AccessRequest(entry.Id, entry.Number, model, entry.Actor, entry.Time.ToUniversalTime(), entry.Reason));
    }

    /// <summary>Takes an answer in: the first one to a request, and no yes by who asked.</summary>
    internal void Answer(string person, LedgerEntry entry, AccessAnswerNote note)
    {
        if (RequestOf(person) is { Answer: null } request && Counts(entry) && !(note.Granted && IsSelf(request.By, entry.Actor)))
        {
            Pairs.Set(_requests, person, request with { Answer = new AccessAnswer(note.Granted, entry.Number, entry.Actor, entry.Time.ToUniversalTime(), entry.Reason) });
            Open--;
        }
    }

    internal bool Rate(LedgerEntry entry, RatingNote note)
    {
        if (note.Stars is < 1 or > RatingSummary.MostStars || !Counts(entry))
        {
            return false;
        }

        string person = PersonOf(entry.Actor);
        if (RatingOf(person) is { } before)
        {
            _stars[before.Stars - 1]--;
        }

        Pairs.Set(_ratings, person, new ModelRating(note.Stars, entry.Actor, entry.Time.ToUniversalTime(), entry.Reason, entry.Number));
        _stars[note.Stars - 1]++;
        Summary = RatingSummary.Of(_stars);
        return true;
    }

    internal void Save(SnapshotWriter to)
    {
        to.Number(_ratings.Count);
        foreach ((_, ModelRating rating) in _ratings)
        {
            to.Number(rating.Stars);
            to.Actor(rating.By);
            to.Time(rating.At);
            to.Text(rating.Reason);
            to.Number(rating.Entry);
        }

        to.Number(_requests.Count);
        foreach ((_, AccessRequest request) in _requests)
        {
            to.Text(request.Id);
            to.Number(request.Entry);
            to.Actor(request.By);
            to.Time(request.At);
            to.Text(request.Reason);
            to.Flag(request.Answer is not null);
            if (request.Answer is { } answer)
            {
                to.Flag(answer.Granted);
                to.Number(answer.Entry);
                to.Actor(answer.By);
                to.Time(answer.At);
                to.Text(answer.Reason);
            }
        }
    }

    internal void Load(SnapshotReader from, string model)
    {
        for (int left = from.Count(bytesEach: 5); left > 0; left--)
        {
            ModelRating rating = new(from.Int(1, RatingSummary.MostStars), from.Actor(), from.Time(), from.Text(), from.Number());
            Append(_ratings, rating.By, rating);
            _stars[rating.Stars - 1]++;
        }

        Summary = RatingSummary.Of(_stars);
        for (int left = from.Count(bytesEach: 6); left > 0; left--)
        {
            AccessRequest request = new(from.Text(), from.Number(), model, from.Actor(), from.Time(), from.Text());
            if (from.Flag())
            {
                request = request with { Answer = new AccessAnswer(from.Flag(), from.Number(), from.Actor(), from.Time(), from.Text()) };
            }

            Append(_requests, request.By, request);
            Open += request.Answer is null ? 1 : 0;
        }
    }

    private static void Append<T>(List<KeyValuePair<string, T>> pairs, Actor by, T value)
    {
        string person = PersonOf(by);
        if (person.Length == 0 || (pairs.Count > 0 && string.CompareOrdinal(pairs[^1].Key, person) >= 0))
        {
            throw SnapshotReader.Broken();
        }

        pairs.Add(KeyValuePair.Create(person, value));
    }

    private static string Name(string id) => id.Trim().ToUpperInvariant();
}
