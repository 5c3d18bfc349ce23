/* For cppcheck alone, which does not see the libraries' headers: their loops, as loops. */
#ifndef json_object_foreach
#define json_object_foreach(o, k, v) for ((k) = json_first(o); (k) && ((v) = json_value(o, k)); (k) = json_next(o, k))
#define json_array_foreach(a, i, v) for ((i) = 0; ((v) = json_array_get(a, i)); (i)++)
#define DL_FOREACH(h, e) for ((e) = (h); (e); (e) = (e)->next)
#define DL_FOREACH_SAFE(h, e, t) for ((e) = (h); (e) && ((t) = (e)->next, 1); (e) = (t))
#endif
