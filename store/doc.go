// Package store holds the words that the delivery engine and its stores share:
// messages, positions, subscriptions, and the errors between them. It imports
// the standard library only; the drivers are in store/postgres and store/sqlite.
//
// # Contract of a driver
//
// Every driver keeps what follows; store/storetest checks it.
//
//   - A channel is a log. Append gives each stored message its channel's next
//     seq: 1, 2, 3 … without holes. A seq becomes visible to readers only when
//     every smaller seq of the channel is visible (or removed).
//   - Append is all or nothing: an error that wraps ErrUnavailable leaves it
//     unknown whether the batch was stored; any other error means that it was not.
//   - Append returns only after the batch is as durable as the store can make
//     it. Check says where the store's settings weaken that.
//   - A message with a message id given by its publisher is stored once per
//     channel for as long as the first one is retained.
//   - The position of a source moves in the same transaction as the messages of
//     its records: a batch whose First is below the stored Next of the same
//     incarnation and life, or whose life is a lower one, stores nothing and fails
//     with ErrReplayed, so a batch whose outcome is unknown may be sent again, and
//     of two that stand for the same records one is stored. A First beyond the
//     stored Next is taken. No incarnation moves another one's position.
//   - A cursor only grows, and never passes its channel's newest seq.
//   - Floor is the highest seq of the removed head of a channel: nothing at or
//     below it is ever read again, whether its rows are gone already or not.
//     Between Floor and LastSeq single messages may be missing: their time to
//     live ended.
//   - Times have millisecond precision, and come from the caller: a driver never
//     asks a clock, its own or the database's.
//   - All methods may be called from several goroutines, and several processes
//     may use one database (Postgres) at the same time.
//   - No error that leaves a driver shows SQL or credentials in a way that is
//     meant for users; the server maps by errors.Is and logs the rest.
package store
